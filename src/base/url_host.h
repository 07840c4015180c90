#ifndef SMELT_BASE_URL_HOST_H_
#define SMELT_BASE_URL_HOST_H_

#include <string_view>

namespace smelt {

// Whom an http:// or https:// URL names, without the port: "example.com", "[::1]". Empty for what is neither, and for a
// name that two readers could take for two: with user information ("http://127.0.0.1:80@example.com/" is sent to
// example.com) or with a character that hosts do not have.
std::string_view UrlHost(std::string_view url);

// Whether it is this machine: "localhost", an address of 127.0.0.0/8, "[::1]".
bool IsLoopbackHost(std::string_view host);

}  // namespace smelt

#endif  // SMELT_BASE_URL_HOST_H_
