#ifndef TRIREME_HARNESS_CLI_PYTHON_OPTIONS_H_
#define TRIREME_HARNESS_CLI_PYTHON_OPTIONS_H_

#include <string>
#include <vector>

namespace trireme {

// Of a command line of a Python: the option that keeps sitecustomize out of it ("-I", "-E" or "-S"), and with that what tells
// its tasks apart. "": there is none, or it is another program's.
std::string OptionWithoutSite(const std::vector<std::string>& argv);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_PYTHON_OPTIONS_H_
