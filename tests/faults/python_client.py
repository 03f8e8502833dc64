"""A Socket.IO client of another make (python-socketio), which knows nothing of recovery.

python_client.py URL TOKEN websocket|polling: prints a JSON line for each thing that happens; ends with its standard input.
"""
import json
import sys
import threading

import socketio

url, token, transport = sys.argv[1:4]
client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=1)
lock = threading.Lock()


def say(what, **more):
    with lock:
        print(json.dumps({"what": what, **more}), flush=True)


@client.event
def connect():
    client.emit("user-join", {"auth": {"token": token}})
    say("connect", sid=client.get_sid())


@client.event
def disconnect(*_):
    say("disconnect")


@client.on("events")
def events(event, *_):
    say("event", event=event)


client.connect(url, auth={"token": token}, transports=[transport], socketio_path="ws/socket.io", wait_timeout=20, retry=True)
sys.stdin.read()
client.disconnect()
