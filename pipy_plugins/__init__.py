"""The plugins that come with Pipy. Each is found through the entry points, like everybody else's, and none knows another."""
