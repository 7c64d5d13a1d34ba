"""Finds what can be mutated in the kernel's headers: where there is a mutant, and where there is none.

The operators (operators.py) are applied to every line, by the syntax tree that libclang gives. What is left out is left
out by rule:

  constants    What the compiler computes: static_assert, case labels, template arguments, array bounds, sizeof. A named
               constant is mutated where it is used, a set of flags or a file's kind where it is spelt out.
  assertions   ROUSE_ASSERT: the answer to misuse, not Linux's behaviour.
  text         dump.hpp, describe(), name_of() and to_string(): for a person to read. What is thrown: NotModelled, Deadlock. The
               conditions for throwing are mutated.
  checkers     invariants.hpp, and is_consistent() for it: an instrument of the tests themselves.
  operations   Op and BlockedOn, and fd_of() for them: they name a call for dumps and hosts.
  sanitizers   tsan_acquire(), tsan_release(), tsan_is_on: nothing without ThreadSanitizer. tests/tsan is for them.
  masks        What & and | work on is no number that could be one more.
  equality     The number that == or != compares with: it is the comparison that is mutated.
  beginnings   The 0, 1, name or truth value that a variable or member starts with, to be changed later on.
  refusals     Statements that call what does not return.
  dead values  The 0 of a variable that is filled from the caller's memory before it is read.
  zero         A term of a | b that is 0: O_RDONLY.
  clamps       `if (a > b) a = b;` is the same with `>=`; so is `a > b ? b : a`.
"""
import pathlib
import re

from clang.cindex import Index

from mutant import Change, Constant, one_line
from operators import Operators
from syntax import FUNCTIONS, K, SCOPES, TYPE_LIKE, kind_of

FILES_LEFT_OUT = {"dump.hpp", "invariants.hpp"}
FUNCTIONS_LEFT_OUT = {"describe", "name_of", "to_string", "fd_of", "is_consistent"}
TYPES_LEFT_OUT = {"Op", "BlockedOn"}
SANITIZER = b"tsan_is_on"
MACROS_LEFT_OUT = b"ROUSE_ASSERT"
NOT_ENTERED = {K.STATIC_ASSERT, K.ENUM_DECL, K.TYPE_ALIAS_DECL, K.TYPEDEF_DECL, K.CXX_THROW_EXPR, K.CXX_UNARY_EXPR,
               K.TEMPLATE_TYPE_PARAMETER, K.TEMPLATE_NON_TYPE_PARAMETER, K.USING_DECLARATION, K.USING_DIRECTIVE,
               K.STRING_LITERAL, K.CHARACTER_LITERAL} | TYPE_LIKE


class Finder(Operators):
    """Goes over the tree of one file."""

    def __init__(self, path, constants):
        super().__init__(path, constants)
        self.at_start = []  # Spans whose mutants are asked for before main: not constexpr.

    def visit_scope(self, cursor):
        for child in cursor.get_children():
            file = child.location.file
            if file is None or pathlib.Path(file.name) != self.path:
                if kind_of(child) == K.NAMESPACE:
                    self.visit_scope(child)
                continue
            kind = kind_of(child)
            if kind in SCOPES:
                self.visit_scope(child)
            elif kind in FUNCTIONS or kind == K.FRIEND_DECL:
                self.visit_function(child)
            elif kind == K.FIELD_DECL and cursor.spelling not in TYPES_LEFT_OUT:
                self.function = self.name_of(cursor)
                # The type and the bounds of an array are no values.
                beginning = re.search(rb"[={]", self.source[child.location.offset:self.span(child)[1]])
                at = child.location.offset + beginning.start() if beginning else self.span(child)[1]
                parts = [part for part in self.children(child) if self.span(part)[0] >= at]
                self.leave_beginning(child, parts)
                self.visit_all(parts)
            elif kind == K.VAR_DECL:
                self.function = self.name_of(cursor)
                self.visit_static(child)

    def visit_function(self, cursor):
        if cursor.spelling in FUNCTIONS_LEFT_OUT:
            return
        if kind_of(cursor) == K.FRIEND_DECL and any(c.spelling in FUNCTIONS_LEFT_OUT for c in self.children(cursor)):
            return
        self.function = self.name_of(cursor)
        for child in self.children(cursor):
            if kind_of(child) == K.PARM_DECL:
                self.visit_all(self.children(child))
            elif self.is_body(child):
                self.visit(child)

    def is_body(self, child):
        """Not what a function is given for a body that is defaulted."""
        return kind_of(child) != K.COMPOUND_STMT or self.text(child).startswith(b"{")

    def visit_static(self, cursor):
        """A variable of a namespace or a class."""
        start, end = self.span(cursor)
        parts = [c for c in self.children(cursor) if kind_of(c) not in TYPE_LIKE]
        if not parts:
            return
        if not self.is_constexpr(cursor):
            self.leave_beginning(cursor, parts)
            self.visit_all(parts)
            return
        if cursor.get_usr() in self.constants:
            self.visit_all(parts)
        elif "FileKind" in cursor.type.spelling:
            declaration = self.source[start:end]
            at = start + declaration.index(b"constexpr")
            self.changes.append(Change(at, at + len(b"constexpr"), b"inline const"))
            before = len(self.mutants)
            self.visit_all(parts)
            if len(self.mutants) > before:
                self.at_start.append((start, end))

    def visit_all(self, cursors):
        for cursor in cursors:
            self.visit(cursor)

    def visit(self, cursor, is_statement=False):
        kind = kind_of(cursor)
        text = self.text(cursor)
        if kind in NOT_ENTERED or text.startswith(MACROS_LEFT_OUT):
            return
        if kind.is_expression() and SANITIZER in text and b"{" not in text:
            return
        if self.is_left_out_type(cursor):
            return
        if is_statement:
            self.statement(cursor)
        visitor = getattr(self, "visit_" + kind.name.lower(), None)
        if visitor is not None:
            visitor(cursor)
        else:
            self.visit_all(self.children(cursor))

    def is_left_out_type(self, cursor):
        if not kind_of(cursor).is_expression() or kind_of(cursor) in (K.DECL_REF_EXPR, K.LAMBDA_EXPR):
            return False
        return cursor.type.spelling.removeprefix("const ").split("::")[-1] in TYPES_LEFT_OUT

    def visit_statements(self, cursors):
        for cursor in cursors:
            self.visit(cursor, is_statement=True)

    def visit_compound_stmt(self, cursor):
        statements = self.children(cursor)
        for i, statement in enumerate(statements):
            if not self.is_overwritten(statement, statements[i + 1:]):
                self.visit(statement, is_statement=True)

    def is_overwritten(self, statement, rest):
        """`T name = 0;` whose first use is that it is filled from the caller's memory."""
        declared = re.fullmatch(rb"[\w:]+ (\w+)( = 0|\{\});?", self.text(statement))
        if not declared:
            return False
        name = re.escape(declared[1])
        for other in rest:
            text = re.sub(rb"sizeof \w+", b"", self.text(other))
            if re.search(rb"\b" + name + rb"\b", text):
                return re.search(rb"(get_user\(|peek\(&)" + name + rb"\b", text) is not None
        return False

    def visit_unexposed_stmt(self, cursor):  # With an attribute, such as [[unlikely]].
        self.visit_statements(self.children(cursor))

    def visit_case_stmt(self, cursor):
        self.visit_statements(self.children(cursor)[1:])

    def visit_default_stmt(self, cursor):
        self.visit_statements(self.children(cursor))

    def visit_if_stmt(self, cursor):
        children = self.children(cursor)
        is_constant = re.match(rb"if\s+constexpr\b", self.text(cursor)) is not None
        head, branches = children[:1], children[1:]
        while branches and kind_of(head[-1]) in (K.DECL_STMT, K.VAR_DECL) and self.is_in_head(branches[0], cursor):
            head.append(branches.pop(0))
        if not is_constant:
            if kind_of(head[-1]) in (K.DECL_STMT, K.VAR_DECL):
                self.visit_all(head)
            elif len(head) > 1 and self.span(head[-1])[1] <= self.span(head[-2])[1]:
                self.visit_all(head[:-1])  # `if (T* name = value)`: the name is read as the condition.
            else:
                self.visit_all(head[:-1])
                self.condition(head[-1], clamps=self.is_clamp(head[-1], branches))
        self.visit_statements(branches)

    def is_in_head(self, branch, cursor):
        text = self.source[self.span(cursor)[0]:self.span(branch)[1]]
        return text.count(b"(") - text.count(b")") > 0

    def visit_while_stmt(self, cursor):
        condition, body = self.children(cursor)[:2]
        if kind_of(condition) in (K.DECL_STMT, K.VAR_DECL):
            self.visit(condition)
        else:
            self.condition(condition, is_loop=True)
        self.visit_statements([body])

    def visit_do_stmt(self, cursor):
        body, condition = self.children(cursor)
        self.visit_statements([body])
        self.condition(condition, is_loop=True)

    def visit_for_stmt(self, cursor):
        children = self.children(cursor)
        self.visit_all(children[:-1])
        self.visit_statements(children[-1:])

    def visit_cxx_for_range_stmt(self, cursor):
        children = self.children(cursor)
        self.visit_all(children[:-1])
        self.visit_statements(children[-1:])

    def visit_switch_stmt(self, cursor):
        self.visit_all(self.children(cursor))

    def visit_return_stmt(self, cursor):
        parts = self.children(cursor)
        for part in parts:
            inner = self.stripped(part)
            if part.type.spelling == "bool" and self.is_plain(inner):
                self.add_bool("condition", inner, b"!(" + self.text(inner) + b")")
        self.visit_all(parts)

    def visit_var_decl(self, cursor):
        parts = [c for c in self.children(cursor) if kind_of(c) not in TYPE_LIKE]
        if not self.is_constexpr(cursor):
            if re.match(rb"(const )?FileRef \w+\{", self.text(cursor)):
                self.reference(cursor, parts)
            self.leave_beginning(cursor, parts)
            self.visit_all(parts)
            return
        before = len(self.mutants)
        self.visit_all(parts)
        if len(self.mutants) > before:
            # A local constant becomes a variable.
            start = self.span(cursor)[0]
            at = start + self.source[start:].index(b"constexpr")
            if self.source[at:at + 15] == b"constexpr auto ":
                del self.mutants[before:]
                return
            self.changes.append(Change(at, at + len(b"constexpr "), b""))

    def leave_beginning(self, cursor, parts):
        """`T name = 0`, of what is not const; 1, a name or a bool likewise. Another number is a limit."""
        if parts and not cursor.type.is_const_qualified() and not re.match(rb"\{?([2-9]|1[0-9'])", self.text(parts[-1])):
            beginning = self.stripped(parts[-1])
            self.masks.add(self.span(beginning))
            if kind_of(beginning) == K.INIT_LIST_EXPR or self.is_atomic(cursor):
                self.masks.update(self.span(self.stripped(part)) for part in self.children(beginning))

    def visit_lambda_expr(self, cursor):
        for child in self.children(cursor):
            if kind_of(child) == K.COMPOUND_STMT:
                self.visit(child)
            elif kind_of(child) == K.PARM_DECL:
                self.visit_all(self.children(child))

    def condition(self, cursor, is_loop=False, clamps=False):
        inner = self.stripped(cursor)
        if kind_of(inner) != K.CXX_BOOL_LITERAL_EXPR:
            self.add_bool("condition", cursor, b"false")
            if not is_loop:
                self.add_bool("condition", cursor, b"true")
        before = len(self.mutants)
        self.visit(cursor)
        own = self.span(cursor)
        self.mutants[before:] = [m for m in self.mutants[before:]
                                 if (m.start, m.end) != own or not self.is_no_news(m, is_loop, clamps)]

    def is_no_news(self, mutant, is_loop, clamps):
        """Of a whole condition: who notices that it is always false, or always true, notices its opposite as well."""
        if mutant.operator == "logic" and mutant.original == "!" + mutant.mutated:
            return not is_loop
        if mutant.operator != "comparison":
            return False
        return clamps if self.differs_by_equality(mutant) else not is_loop

    def differs_by_equality(self, mutant):
        """a < b and a <= b, say."""
        before, after = mutant.original, mutant.mutated
        return len(before) != len(after) and before.replace("=", "") == after.replace("=", "")

    def is_clamp(self, condition, branches):
        if len(branches) != 1:
            return False
        sides = re.split(r" [<>]=? ", one_line(self.text(condition)))
        body = one_line(self.text(branches[0])).strip("{; }").split(" = ")
        return len(sides) == 2 and sorted(sides) == sorted(body)

    def visit_conditional_operator(self, cursor):
        parts = self.parts(cursor)
        if len(parts) == 3:
            sides = re.split(r" [<>]=? ", one_line(self.text(parts[0])).strip("()"))
            arms = [one_line(self.text(part)) for part in parts[1:]]
            self.condition(parts[0], clamps=len(sides) == 2 and sorted(sides) == sorted(arms))
            self.visit_all(parts[1:])
        else:
            self.visit_all(self.children(cursor))


def find_constants(tree, headers):
    """The constexpr sets of flags of namespaces and classes, by USR."""
    found = {}

    def walk(cursor):
        for child in cursor.get_children():
            kind = kind_of(child)
            if kind in SCOPES:
                walk(child)
            elif kind == K.VAR_DECL and child.location.file and child.location.file.name in headers:
                source = headers[child.location.file.name]
                declaration = source[child.extent.start.offset:child.extent.end.offset]
                if not re.match(rb"(static |inline )*constexpr EventFlags ", declaration):
                    continue
                start = child.location.offset + len(child.spelling)
                init = source[start:child.extent.end.offset]
                at = start + (re.match(rb"\s*=\s*", init).end() if init.strip().startswith(b"=") else 0)
                end = source.index(b";", child.extent.end.offset) + 1
                path = pathlib.Path(child.location.file.name)
                is_member = kind_of(cursor) != K.NAMESPACE
                found[child.get_usr()] = Constant(path, child.spelling, "EventFlags", is_member,
                                                  (at, child.extent.end.offset), end)
    walk(tree.cursor)
    return found


def find(include, folder="rouse/kernel"):
    """The mutants of all headers of a folder, numbered; and what else a mutated tree needs: see schemata.py."""
    paths = sorted((include / folder).glob("*.hpp"))
    everything = "".join(f'#include "{path}"\n' for path in paths)
    tree = Index.create().parse("everything.cpp", ["-std=c++20", "-xc++", f"-I{include}"],
                                [("everything.cpp", everything)])
    errors = [str(diagnostic) for diagnostic in tree.diagnostics if diagnostic.severity >= 3]
    if errors:
        raise SystemExit("mutate: the headers do not parse:\n" + "\n".join(errors))
    constants = find_constants(tree, {str(path): path.read_bytes() for path in paths})
    finders = []
    for path in paths:
        finder = Finder(path, constants)
        if path.name not in FILES_LEFT_OUT:
            finder.visit_scope(tree.cursor)
        finders.append(finder)
    number_all(finders)
    return finders, constants


def number_all(finders):
    counts = {}
    number = 0
    for finder in finders:
        unique = {}
        for mutant in finder.mutants:
            if mutant.original != mutant.mutated:
                unique.setdefault((mutant.start, mutant.end, mutant.text), mutant)
        finder.mutants = sorted(unique.values(), key=lambda m: (m.start, -m.end))
        for mutant in finder.mutants:
            counts[mutant.key] = mutant.nth = counts.get(mutant.key, 0) + 1
            mutant.number = number
            number += 1
