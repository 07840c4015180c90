"""A library that Debian installs under /usr: headers are found by the compiler itself, so only linking is said."""

def system_library(name, link = [], **kwargs):
    native.cc_library(
        name = name,
        linkopts = link,
        **kwargs
    )
