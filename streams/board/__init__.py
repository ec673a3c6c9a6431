"""The board: what others read, over HTTP, from Redis alone and in a process of its own.

Read `routes.py` (what there is), `asking.py` (what may be asked), `book.py` and the readers beside it (what the
store says), then `poller.py` and `hub.py` (what is streamed).
"""
