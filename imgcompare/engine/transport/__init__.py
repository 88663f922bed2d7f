"""How bytes get to an engine and back: HTTP over sockets, ssh, streams of JSON; and what breaks on the way."""
