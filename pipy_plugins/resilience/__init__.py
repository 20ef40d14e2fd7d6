"""What keeps a service up when a part of it is not: health, retries, circuit breakers, rate limits."""
