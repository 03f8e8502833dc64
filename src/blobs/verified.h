#pragma once

#include <memory>

#include "base/metrics.h"
#include "blobs/blob.h"

namespace antiphon::blobs {

/// `bytes`, or a Problem (503) in place of their end unless they were as many as the range says and,
/// when that is all of the blob, the ones its id names. Counts what it finds in `faults`. `bytes` may
/// be null: none are there.
std::unique_ptr<Pieces> verified(std::unique_ptr<Pieces> bytes, const Blob& blob, Range range,
                                 metrics::Family<metrics::Counter>& faults);

}  // namespace antiphon::blobs
