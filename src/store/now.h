#pragma once

/// The database's clock in SQL, in milliseconds since 1970. All who look at leases use it: two hosts'
/// clocks are never compared.
#define ANTIPHON_MILLIS_SQLITE "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define ANTIPHON_MILLIS_POSTGRES "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
