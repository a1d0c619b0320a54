#include "mint/import/secrets.h"

#include <cstdlib>
#include <filesystem>

#include "common/storage/durable_file.h"
#include "mint/keysets/mnemonic_file.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMostBytes = 4'096;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  return text;
}

std::string mnemonic_path(const std::string& directory) { return directory + "/mnemonic"; }

}  // namespace

Result<crypto::SecretText> read_reference(const std::string& reference, const std::string& what) {
  crypto::SecretText text;
  if (reference.starts_with("env:")) {
    const char* value = std::getenv(reference.c_str() + 4);
    if (value == nullptr) return invalid(what + ": the environment has no " + reference.substr(4));
    text = crypto::SecretText(value);
  } else if (reference.starts_with("file:")) {
    TRY(std::string content, storage::read_small_file(reference.substr(5), kMostBytes));
    text = crypto::SecretText(std::move(content));
  } else {
    return invalid(what +
                   " is given by reference, \"env:NAME\" or \"file:PATH\", for others see a command line");
  }
  crypto::SecretText out{std::string(trimmed(text.reveal()))};
  if (out.empty()) return invalid(what + ": " + reference + " is empty");
  return out;
}

Result<ImportSecrets> ImportSecrets::choose(const Configuration& configuration, const std::string& directory,
                                            crypto::SecretText seed, bool words_may_be_ours) {
  ImportSecrets out;
  out.directory_ = directory;
  std::error_code error;
  const bool has_words =
      !configuration.keysets.mnemonic.empty() || std::filesystem::exists(mnemonic_path(directory), error);
  out.source_.is_mnemonic = words_may_be_ours && crypto::check_mnemonic(seed.reveal()).has_value();
  if (has_words) {
    TRY(const Mnemonic mnemonic,
        load_mnemonic(configuration.keysets.mnemonic, directory, false, system_random()));
    TRY(out.own_seed_, crypto::mnemonic_seed(mnemonic.words.reveal()));
    if (out.source_.is_mnemonic) {
      TRY(const crypto::Secret<64> given, crypto::mnemonic_seed(seed.reveal()));
      if (given.reveal() != out.own_seed_.reveal()) {
        return invalid(
            "this mint has another mnemonic than the one given: take [keysets] mnemonic out, or move " +
            mnemonic_path(directory) + " away, and its own becomes that of this mint");
      }
    }
  } else {
    out.own_words_ = out.source_.is_mnemonic ? seed : crypto::generate_mnemonic(system_random());
    TRY(out.own_seed_, crypto::mnemonic_seed(out.own_words_.reveal()));
  }
  out.seed_has_place_ = out.source_.is_mnemonic || !configuration.keysets.imported_seed.empty();
  if (!configuration.keysets.imported_seed.empty() && !out.source_.is_mnemonic &&
      configuration.keysets.imported_seed.reveal() != seed.reveal()) {
    return invalid("[keysets] imported_seed is another seed than the one given");
  }
  out.source_.text = std::move(seed);
  return out;
}

Status ImportSecrets::store() {
  if (!own_words_.empty()) {
    TRY_STATUS(storage::write_file(mnemonic_path(directory_), std::string(own_words_.reveal()) + "\n"));
    written_.push_back(mnemonic_path(directory_));
  }
  if (!seed_has_place_) {
    TRY_STATUS(storage::write_file(imported_seed_path(directory_), source_.text.reveal()));
    written_.push_back(imported_seed_path(directory_));
  }
  return {};
}

ImportSecrets::~ImportSecrets() {
  for (const std::string& each : written_) storage::remove_file(each);
}

}  // namespace manastr::mint
