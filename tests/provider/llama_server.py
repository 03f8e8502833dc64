"""llama.cpp's own server on a model file: python llama_server.py FILE PORT; prints its address when it serves, until killed."""

import sys
import threading

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"tiny-counter"}
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[2])
params.n_ctx = 65536
params.n_parallel = 2
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.warmup = False
params.endpoint_slots = True
params.use_jinja = True
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
threading.Event().wait()
