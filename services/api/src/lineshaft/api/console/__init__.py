"""The console: server-rendered pages for people, over the same functions that the API's routes call."""
