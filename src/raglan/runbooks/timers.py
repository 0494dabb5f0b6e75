"""What happens later in runbooks."""
