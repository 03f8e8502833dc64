#pragma once

/// Parts of statements that add up what messages cost, from chat_message.usage.

// Usage is what a provider or an import said: no number counts as none, and none is beyond 10^12.
#define ANTIPHON_TOKENS_LITE(name)      \
  "CASE WHEN json_type(usage, '$." name \
  "') IN ('integer', 'real') THEN MAX(0, MIN(json_extract(usage, '$." name "'), 1000000000000)) END"
#define ANTIPHON_TOKENS_PG(name)                \
  "CASE WHEN json_typeof(usage::json -> '" name \
  "') = 'number' THEN GREATEST(0, LEAST((usage::json ->> '" name "')::numeric, 1000000000000)) END"
#define ANTIPHON_SUM(name, a, b) "CAST(SUM(COALESCE(" a ", " b ", 0)) AS BIGINT) AS " name
