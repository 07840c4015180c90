#ifndef SMELT_CONFIG_S3_SETTINGS_H_
#define SMELT_CONFIG_S3_SETTINGS_H_

#include <string>

#include "src/config/config.h"

namespace smelt {

// The keys of [cache.s3] that are not at their default, wherever they were said, as a file has them:
// `bucket = "acme", use_ssl = false`. None of them is a secret. Empty if all are.
std::string SettingsOf(const S3Config& s3);

}  // namespace smelt

#endif  // SMELT_CONFIG_S3_SETTINGS_H_
