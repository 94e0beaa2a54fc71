"""The processes of the service: parent, workers, sockets."""
