#include "cluster/codes.h"

namespace antiphon::cluster {
namespace {

constexpr Code kAll[] = {kSecretDiffers,      kSettingsDiffer,     kSealedByLostKey,   kClockIsOff,
                         kKeyTooNew,          kFileInUse,          kNetworkFile,       kSchemaMissing,
                         kTooManyConnections, kFewConnectionsLeft, kTransactionPooler, kPoolerForgets,
                         kDirectUrl,          kQueueFills,         kVersionsDiffer,    kLeaseLost,
                         kRedisUnreachable,   kRedisForbids,       kRedisShared,       kRedisTooOld};

}  // namespace

std::span<const Code> codes() {
  return kAll;
}

std::string said(const Code& code, std::string_view what) {
  std::string out(code.id);
  out.append(" ").append(what);
  if (!out.ends_with('.')) out.append(".");
  return out.append(" ").append(code.cure);
}

std::string codes_markdown() {
  std::string out =
      "# Messages with a code\n\n"
      "Written by `antiphon codes`. What several processes on one database (nodes) must agree on is "
      "checked\n"
      "before one of them serves; `antiphon check` says the same, a line each, without serving. A "
      "refusal "
      "ends\n"
      "the process with code 1; a warning is logged and shown under *Administration → Cluster*.\n\n"
      "| Code | What | Why it matters | Cure |\n|---|---|---|---|\n";
  for (const Code& code : kAll) {
    out.append("| ").append(code.id).append(" | ").append(code.title).append(" | ");
    out.append(code.meaning).append(" | ").append(code.cure).append(" |\n");
  }
  return out;
}

}  // namespace antiphon::cluster
