# The program: the composition root in app/ and the command line.
find_package(CLI11 REQUIRED)
add_executable(antiphon main.cc)
target_link_libraries(antiphon PRIVATE antiphon_app CLI11::CLI11)
target_compile_definitions(antiphon PRIVATE ANTIPHON_VERSION="${PROJECT_VERSION}")
