"""Where answers lie and what they were made from: tables, versions, limits, travel."""
