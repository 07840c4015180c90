#ifndef SMELT_SERVICES_CONNECTIONS_ACCEPT4_H_
#define SMELT_SERVICES_CONNECTIONS_ACCEPT4_H_

namespace smelt {

// gRPC 1.51 closes a listening socket to everybody and for ever where accept4(2) fails, as it does when the process has
// no descriptor left or a client is gone before it was accepted: whoever opens many connections would end the server.
// A program that links this has an accept4 of its own, which gRPC calls: a connection beyond the limit is closed at
// once, and nothing that one client causes is an error of the listening socket.
//
// From now on a quarter of the descriptors that the process may have (RLIMIT_NOFILE, as it is now) is kept from
// connections, for the store's files. Before this is called, connections may have all of them. Thread-safe.
void KeepDescriptorsFromConnections();

}  // namespace smelt

#endif  // SMELT_SERVICES_CONNECTIONS_ACCEPT4_H_
