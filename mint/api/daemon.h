// The mint from its configuration to its end: opens everything in the right order, serves, drains. Called by
// main.
#pragma once
#include <string>

#include "common/resilience/termination.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {

/// Serves until `termination`. An error is one line that says why the mint can't run. `config_path` is for
/// messages.
Status run_mint(const Configuration& configuration, const std::string& data_directory,
                resilience::Termination& termination);

/// `manastr-mint migrate`: the tables of a PostgreSQL ledger made or brought forward by the role of
/// owner_url, the role of url given its rights.
Status migrate_mint(const Configuration& configuration);

}  // namespace manastr::mint
