# Configuration of the agent on this machine. Every .hcl and .json file of this folder
# is read, in alphabetical order; `praetor validate /etc/praetor.d` checks them.
# docs/configuration.md of the source has every key.

data_dir = "/var/lib/praetor"

# The address that other agents reach this machine at. Needed if there are several.
# bind_addr = "10.0.0.9"

# The servers, any of them.
# retry_join = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]

# On servers only: how many there will be.
# server           = true
# bootstrap_expect = 3

# `praetor keygen` makes one; the same on all agents.
# encrypt = ""
