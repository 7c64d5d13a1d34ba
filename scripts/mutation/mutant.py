"""A mutant, and what else has to change for it to be asked for at run time."""
import dataclasses
import hashlib
import pathlib
import re


def one_line(text):
    text = re.sub(rb"//[^\n]*", b"", text)
    text = re.sub(rb"\s+", b" ", text).strip().decode()
    return text if len(text) <= 160 else text[:100] + " … " + text[-50:]


@dataclasses.dataclass
class Mutant:
    """A place in a file and what takes its place."""
    file: str
    start: int
    end: int
    operator: str
    function: str
    original: str
    mutated: str  # For the reader.
    text: bytes  # What is compiled: an expression; empty if a statement goes.
    is_bool: bool = False
    line: int = 0
    nth: int = 1  # Of those that are alike in all of this.
    number: int = -1

    @property
    def key(self):
        """What stays the same when lines move."""
        return (self.file, self.function, self.operator, self.original, self.mutated, self.nth)

    @property
    def id(self):
        digest = hashlib.sha256("\0".join(map(str, self.key)).encode()).hexdigest()
        return f"{self.file.removesuffix('.hpp')}-{digest[:6]}"

    def __str__(self):
        change = f"drop `{self.original}`" if self.operator == "statement" else f"`{self.original}` -> `{self.mutated}`"
        nth = f" (no. {self.nth})" if self.nth > 1 else ""
        return f"{self.id}  {self.file}:{self.line} {self.function}: {change}{nth}  [{self.operator}]"


@dataclasses.dataclass
class Change:
    """An edit that is no mutant: it makes what the compiler would compute something that is asked for at run time."""
    start: int
    end: int
    text: bytes


@dataclasses.dataclass
class Constant:
    """A constexpr set of flags: where it is used, a function is called that computes it, mutants and all."""
    path: pathlib.Path
    name: str
    type: str
    is_member: bool
    init: tuple  # Start and end of the initializer.
    end: int  # Behind the declaration.
