#pragma once

#include "features/models/dto.h"
#include "features/models/rows.h"

/// Forms to rows. Pure, but for the time.
namespace antiphon::models {

/// The row a form describes. Throws Problem (422) for an id with white space, a picture that is none,
/// or more than may be stored.
Model row_of(const ModelForm& form, const std::string& owner);

/// The row of an imported model: like a form, but everything besides the id may be missing. Nothing
/// without a usable id.
std::optional<Model> row_of(const json::Value& imported, const std::string& owner);

/// The grants an imported model names, when it does.
std::optional<std::vector<Wanted>> grants_of(const json::Value& imported);

}  // namespace antiphon::models
