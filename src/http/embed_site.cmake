# antiphon_embed_site(antiphon_site /path/to/web/dist): a library that defines http::embedded_assets(). Without a built client, or
# without node to pack it, the library holds a page that says so.
function(antiphon_embed_site target dist)
  find_program(ANTIPHON_NODE NAMES node nodejs HINTS ENV ANTIPHON_NODE_DIR DOC "Packs the web client")
  if(NOT EXISTS ${dist}/index.html OR NOT ANTIPHON_NODE)
    message(STATUS "No built web client in ${dist}: the program will say so to browsers")
    add_library(${target} STATIC ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/site_missing.cc)
  else()
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_files)
    file(MAKE_DIRECTORY ${out})
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${dist}/*)
    add_custom_command(
      OUTPUT ${out}/site_assets.cc
      COMMAND ${ANTIPHON_NODE} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed_site.mjs ${dist} ${out}
      DEPENDS ${files} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed_site.mjs
      COMMENT "Packing the web client"
      VERBATIM)
    add_library(${target} STATIC ${out}/site_assets.cc)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${dist}/index.html)
  target_link_libraries(${target} PUBLIC antiphon_http)
endfunction()
