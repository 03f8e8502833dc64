#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/metrics.h"
#include "blobs/blobs.h"
#include "blobs/database.h"
#include "store/db.h"

namespace antiphon::blobs {

/// For tests of others: blobs in a migrated database.
class TestBlobs {
 public:
  explicit TestBlobs(store::Db& db)
      : blobs(db, std::make_unique<Database>(db, folder_.string()), "test", metrics_) {
    std::filesystem::create_directories(folder_);
  }
  ~TestBlobs() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

 private:
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("blobs-" + random_hex(6));
  metrics::Registry metrics_;

 public:
  Blobs blobs;
};

}  // namespace antiphon::blobs
