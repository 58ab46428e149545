"""The web: server-rendered pages, the API, and the few actions a person takes over HTTP."""
