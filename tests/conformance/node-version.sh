# Sourced by setup.sh and run.sh: which Node runs the suite.
# shellcheck shell=bash

# The suite needs this major version of Node, or a newer one.
SUITE_NODE_MAJOR=22

system_node_is_new_enough() {
  local major
  command -v node >/dev/null || return 1
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || return 1
  ((major >= SUITE_NODE_MAJOR))
}
