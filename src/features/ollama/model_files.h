#pragma once

#include <string>

#include "features/ollama/backend.h"
#include "http/call.h"
#include "http/upload.h"

/// Making a model of a file (GGUF): a browser's, or one from the net. The file goes to Ollama as a blob
/// and a model of its name is created. Nothing of it stays here.
namespace antiphon::ollama {

class ModelFiles {
 public:
  /// `folder`: where a file lies, without a name, while it is here.
  ModelFiles(Backend& backend, client::Client& client, const models::Settings& settings,
             std::string folder)
      : backend_(backend), client_(client), settings_(settings), folder_(std::move(folder)) {}

  /// Bytes a file may have.
  std::uint64_t limit() const;

  /// Both tell the client how it goes, as Open WebUI does: events `{"progress", "completed", "total"}`,
  /// at last `{"done": true, "blob", "name"}` or `{"error"}`.
  Task<> pass_on(models::ConnectionPtr to, models::Asker who, http::UploadedFilePtr file,
                 http::Events events) const;
  /// Throws Problem (400) for a URL that is none, or that names no file.
  Task<> download(models::ConnectionPtr to, models::Asker who, std::string url, http::Events events,
                  http::Stream& stream) const;

 private:
  Task<std::unique_ptr<client::Incoming>> open(std::string url, http::Stream& stream) const;
  Task<> make_model(models::ConnectionPtr to, models::Asker who, http::UploadedFilePtr file) const;

  Backend& backend_;
  client::Client& client_;
  const models::Settings& settings_;
  std::string folder_;
};

/// "llama-3.gguf" is the file of a model called "llama-3": what Ollama takes as a name.
std::string model_name_of(std::string_view file);

}  // namespace antiphon::ollama
