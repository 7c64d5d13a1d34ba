"""The tree of mutants, its one build, and trying mutants: which programs reach one, and which of them notices it."""
import dataclasses
import hashlib
import json
import os
import pathlib
import resource
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

import find
import schemata

TREE_LEFT_OUT = {"build", ".git"}
FIRST_LOOK_SECONDS, LOOK_SECONDS, IDLE_SECONDS_MAX = 0.5, 0.2, 6
MEMORY_MAX = 4 << 30
OUTPUT_MAX = 64 << 20

# What the tests of this name are run with here, instead of what meson gives them: the same scripts each time, and few.
ARGUMENTS = {"differential/fresh scripts": ["--seed", "1", "--calls", "20000"]}
# What tests the differential tester is no test of the kernel; and what the threaded one says of a kernel depends on
# what else the machine does, so that it would kill mutants by chance.
PROGRAMS_LEFT_OUT = {"differential/broken kernels", "differential/script", "threaded"}


def write_if_new(path, text):
    """Unchanged files keep their times, so that only what depends on changed ones is built again."""
    if path.exists() and path.read_bytes() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def write_tree(root, tree, finders, constants):
    """A copy of the project whose kernel holds all the mutants."""
    mutated = {finder.path: schemata.render(finder, constants) for finder in finders}
    wanted = set()
    for folder, folders, names in os.walk(root):
        if pathlib.Path(folder) == root:
            folders[:] = [name for name in folders if name not in TREE_LEFT_OUT]
        for name in names:
            path = pathlib.Path(folder) / name
            copy = tree / path.relative_to(root)
            wanted.add(copy)
            write_if_new(copy, mutated.get(path) or path.read_bytes())
            copy.chmod(path.stat().st_mode)
    switch = tree / "include/rouse/kernel/rouse_mutants.hpp"
    wanted.add(switch)
    write_if_new(switch, (root / "scripts/mutation/switch.hpp").read_bytes())
    for path in list(tree.rglob("*")):
        if path.is_file() and path not in wanted:
            path.unlink()


def build(tree, folder, jobs):
    """Builds those programs that are run as tests."""
    arguments = ["-Dbuildtype=plain", "-Dwarning_level=0", "-Dbenchmarks=disabled",
                 "-Dcpp_args=-w -Wno-narrowing -D_GLIBCXX_ASSERTIONS"]
    subprocess.run([tree / "scripts/configure", folder, *arguments], check=True)
    run_quietly(["ninja", "-C", folder, "build.ninja"])  # So that what is asked of meson next is up to date.
    targets = dict.fromkeys(str(pathlib.Path(program.command[0]).relative_to(folder)) for program in programs(folder))
    run_quietly(["ninja", "-C", folder, f"-j{jobs}", *targets])


def run_quietly(command):
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False)
    if run.returncode != 0:
        raise SystemExit(f"{run.stdout}mutate: failed: {shlex.join(map(str, command))}")


@dataclasses.dataclass
class Program:
    """A test as meson runs it."""
    name: str
    command: list
    env: dict
    directory: str
    seconds: float = 0
    cpu_seconds: float = 0
    reaches: frozenset = frozenset()

    def run(self, folder, extra_env, cpu_seconds_max):
        """None if it passed, else how it failed. Nothing it started is left running."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
            resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_MAX, OUTPUT_MAX))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds_max, cpu_seconds_max + 1))

        process = subprocess.Popen(self.command, env=os.environ | self.env | extra_env, cwd=self.directory or folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True, preexec_fn=limit)
        try:
            status = wait(process)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        if status is None or status == -signal.SIGXCPU:
            return "does not end"
        if status < 0:
            return f"ended by {signal.Signals(-status).name}"
        return None if status == 0 else "failed"


def wait(process):
    """The exit status; None if it does not end. A machine that is busy with something else must not make a program look
    like one that hangs: that is one of which nothing runs, and nothing has run, for some seconds."""
    try:
        return process.wait(FIRST_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    used, since = None, time.monotonic()
    while True:
        try:
            return process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        before, used = used, cpu_ticks(process.pid)
        if used is None or used != before:
            since = time.monotonic()
        elif time.monotonic() - since > IDLE_SECONDS_MAX:
            return None


def cpu_ticks(pid):
    """What a process, its threads and its children have used; None if one of them could run now."""
    ticks = 0
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            children = (task / "children").read_text().split()
        except OSError:
            return None  # Ended just now.
        if fields[0] in "RD":
            return None
        ticks += int(fields[11]) + int(fields[12])
        for child in children:
            more = cpu_ticks(child)
            if more is None:
                return None
            ticks += more
    return ticks


def programs(folder):
    """The project's own programs among its tests; scripts that compile something tell nothing of the kernel."""
    run = subprocess.run(["meson", "introspect", "--tests", folder], check=True, capture_output=True, text=True)
    found = []
    for test in json.loads(run.stdout):
        binary = pathlib.Path(test["cmd"][0])
        if not binary.is_relative_to(folder) or test["name"] in PROGRAMS_LEFT_OUT:
            continue
        command = [test["cmd"][0], *ARGUMENTS.get(test["name"], test["cmd"][1:])]
        found.append(Program(test["name"], command, test["env"], test["workdir"]))
    return found


def stop_early(binary):
    """Catch2's option to stop at the first failure."""
    said = subprocess.run([binary, "--help"], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL).stdout if b"--abort" in binary.read_bytes() else ""
    return ["--abort"] if "Catch" in said else []


class Trials:
    def __init__(self, root, folder, jobs):
        self.root = root
        self.folder = folder
        self.jobs = jobs
        self.finders, self.constants = find.find(root / "include")
        self.mutants = [mutant for finder in self.finders for mutant in finder.mutants]
        self.killers_path = folder / "killers.json"
        self.killers = json.loads(self.killers_path.read_text()) if self.killers_path.exists() else {}

    def prepare(self):
        tree = self.folder / "tree"
        write_tree(self.root, tree, self.finders, self.constants)
        self.build_folder = self.folder / "build"
        build(tree, self.build_folder, self.jobs)
        self.programs = programs(self.build_folder)
        for program in self.programs:
            program.command += stop_early(pathlib.Path(program.command[0]))
        self.find_reach()

    def find_reach(self):
        """Runs every program once without a mutant: which mutants it asks for, and how long it takes."""
        stamp_path = self.folder / "reach.json"
        stamp = self.stamp()
        known = json.loads(stamp_path.read_text()) if stamp_path.exists() else {}
        if known.get("stamp") != stamp:
            known = {"stamp": stamp, "programs": {}}
            for program in self.programs:
                known["programs"][program.name] = self.run_recorded(program)
            stamp_path.write_text(json.dumps(known))
        for program in self.programs:
            program.seconds, program.cpu_seconds, reaches = known["programs"][program.name]
            program.reaches = frozenset(reaches)
        self.programs.sort(key=lambda program: (program.cpu_seconds, program.name))

    def stamp(self):
        digest = hashlib.sha256()
        for program in self.programs:
            binary = pathlib.Path(program.command[0]).stat()
            command = shlex.join(program.command)
            digest.update(f"{program.name} {command} {binary.st_mtime_ns} {binary.st_size}".encode())
        return digest.hexdigest()

    def run_recorded(self, program):
        with tempfile.NamedTemporaryFile() as marks:
            marks.write(bytes(len(self.mutants)))
            marks.flush()
            start, cpu_start = time.monotonic(), self.cpu_of_children()
            failure = program.run(self.build_folder, {"ROUSE_REACHED": marks.name}, 600)
            seconds, cpu_seconds = time.monotonic() - start, self.cpu_of_children() - cpu_start
            if failure:
                raise SystemExit(f"mutate: {program.name} {failure} without any mutant")
            reached = pathlib.Path(marks.name).read_bytes()
        return seconds, cpu_seconds, [number for number, mark in enumerate(reached) if mark]

    @staticmethod
    def cpu_of_children():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def try_mutant(self, mutant):
        """Who noticed it and how; None if nobody did."""
        reaching = [program for program in self.programs if mutant.number in program.reaches]
        hint = self.killers.get(mutant.id)
        reaching.sort(key=lambda program: program.name != hint)
        for program in reaching:
            failure = program.run(self.build_folder, {"ROUSE_MUTANT": str(mutant.number)},
                                  int(3 + 5 * program.cpu_seconds))
            if failure:
                self.killers[mutant.id] = program.name
                return f"{program.name} {failure}"
        return None

    def save_killers(self):
        self.killers_path.write_text(json.dumps(self.killers, indent=0, sort_keys=True))

    def is_reached(self, mutant):
        return any(mutant.number in program.reaches for program in self.programs)


def remove(folder):
    if (folder / "tree").is_dir():
        shutil.rmtree(folder)
