#include <array>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/option_parser.h"

namespace trireme {
namespace {

struct Template {
  std::string_view name;
  std::string_view text;
};

constexpr std::array kTemplates = {
    Template{"scenario.yaml", R"(version: 1
summary: An echo server and its client exchange a few lines
tags: [example]
workload: {python: workload.py, cpp: workload.cc}
params: {rounds: 10}
trials: 5
timeout: 10s
expect:
  default: {verdict: pass}
)"},
    Template{"workload.py", R"(async def main(rt, params):
    listener = await rt.listen()

    async def echo():
        stream = await listener.accept()
        while data := await stream.recv(4096):
            await stream.send_all(data)
        stream.close()

    server = rt.spawn(echo, name="server")
    stream = await rt.connect(listener.address)
    for n in range(params["rounds"]):
        with rt.op("echo", n) as op:
            await stream.send_all(b"%d\n" % n)
            op.ok(int(await stream.recv_until(b"\n")))
    stream.close()
    await server.join()
    listener.close()
    rt.observe("rounds", params["rounds"])
)"},
    Template{"workload.cc", R"(#include "trireme/workload.h"

using namespace trireme;

Task<> Echo(Listener listener) {
  Stream stream = co_await listener.Accept();
  while (true) {
    const auto data = co_await stream.Recv(4096);
    if (data.empty()) break;
    co_await stream.SendAll(data);
  }
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> server = rt.Spawn("server", Echo, listener);
  Stream stream = co_await rt.Connect(listener.address());
  const int rounds = params.Get<int>("rounds");
  for (int n = 0; n < rounds; ++n) {
    Operation op = rt.Op("echo", n);
    co_await stream.SendAll(std::to_string(n) + "\n");
    op.Ok(std::stoi(co_await stream.RecvUntil('\n')));
  }
  stream.Close();
  co_await server.Join();
  listener.Close();
  rt.Observe("rounds", rounds);
}
TRIREME_WORKLOAD(Main)
)"},
};

}  // namespace

int NewCommand(const Arguments& arguments) {
  OptionParser parser("new");
  std::vector<std::string> names;
  parser.Positionals("NAME", names, "the scenario's folder, which is made");
  if (const std::optional<int> code = parser.Parse(arguments)) return *code;
  if (names.size() != 1)
    return Fail(UsageError("a new scenario of which name?", "'trireme new my-scenario'"));
  const std::string& folder = names.front();
  if (FileExists(folder) && (!IsDirectory(folder) || !ListDirectory(folder).empty()))
    return Fail(UsageError("'" + folder + "' is already there",
                           "nothing was written; name another folder"));
  if (const Status made = MakeDirectories(folder); !made.ok()) return Fail(made.error());
  for (const Template& file : kTemplates)
    if (const Status written = WriteFile(JoinPath(folder, file.name), file.text); !written.ok())
      return Fail(written.error());
  const std::string wrote = JoinPath(folder, kTemplates.front().name);
  Print("wrote " + wrote + ", workload.py and workload.cc; run it:\n  trireme run " +
        ShellQuote(folder) + "\n");
  return kExitPass;
}

}  // namespace trireme
