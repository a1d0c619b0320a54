// The bodies of receipts as JSON members; receipt.cpp adds the head. Internal to common/match.
#pragma once
#include "common/match/receipt.h"

namespace manastr::match {

/// Sets the body's members on `out`.
void write_body(json::Value& out, const ReceiptBody& body);
Result<ReceiptBody> read_body(std::string_view type, const json::Value& value);

}  // namespace manastr::match
