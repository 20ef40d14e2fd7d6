"""HTTP/2 (RFC 9113): connections of clients, for the filters that speak HTTP/1 as well; and sessions to servers."""
