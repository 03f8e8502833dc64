// jemalloc stands in for malloc in the program: docs/adr/0013-allocator.md.

/// Read by jemalloc before anything else runs. A thread of its own gives the system back what was freed
/// five seconds ago; an arena for each of the few threads that allocate much.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:0,narenas:4";
