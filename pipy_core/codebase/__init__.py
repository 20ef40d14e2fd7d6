"""Where the files of a script come from: a directory, or a server. Plain blocking code; it knows neither events nor V8."""
