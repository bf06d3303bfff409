"""Background work: jobs and commands leased from Postgres, the only code that calls sources."""
