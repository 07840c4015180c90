#ifndef SMELT_OBSERVER_OBJECTS_H_
#define SMELT_OBSERVER_OBJECTS_H_

#include <string_view>

// The program and the shared objects in this process. What record.h says of the writing side holds here too, except
// that RecordStart and RecordNewObjects hold the loader's list lock and are not for signal handlers.
namespace smelt::observer {

// The base name of the object that holds `address`: in general a return address. Lock-free. Valid while the object is
// loaded.
std::string_view ModuleOf(const void* address);

// The path of the loaded object with this base name, or `module` itself if there is none.
std::string_view ObjectPath(std::string_view module);

// 'P' for the program, 'L' for each object loaded with it, and 'E' for each that can iterate over the environment
// (log_format.h has the rule).
void RecordStart();

// 'L' and 'E' for what was loaded since. An object may be recorded twice if others were unloaded meanwhile.
void RecordNewObjects();

}  // namespace smelt::observer

#endif  // SMELT_OBSERVER_OBJECTS_H_
