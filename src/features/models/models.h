#pragma once

/// What other features see of this one.
///
/// - service.h: Models, the list and who may use what
/// - backend.h: what a kind of server brings (Backend, Target, ChunkStream)
/// - answers.h, proxy.h, params.h: what backends and their routes share
#include "features/models/answers.h"
#include "features/models/backend.h"
#include "features/models/calls.h"
#include "features/models/params.h"
#include "features/models/proxy.h"
#include "features/models/service.h"
