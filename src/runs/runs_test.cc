#include "runs/runs.h"

#include <gtest/gtest.h>
