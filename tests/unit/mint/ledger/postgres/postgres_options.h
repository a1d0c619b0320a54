// How tests open a ledger in the cluster of their program.
#pragma once
#include "mint/ledger/postgres/postgres_ledger.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::mint::test {

using manastr::test::PostgresCluster;

inline PostgresLedgerOptions options_for(const std::string& url, const std::string& replica = "a") {
  PostgresLedgerOptions options;
  options.url = crypto::SecretText(url);
  options.replica = replica;
  options.node = "node";
  options.connections = 4;
  options.filter_log2_bits = 16;
  return options;
}

}  // namespace manastr::mint::test
