"""The operators of mutation: what becomes of each kind of expression and statement."""
import pathlib
import re

from mutant import Change, Mutant, one_line
from syntax import FUNCTIONS, K, Syntax, kind_of

OPERATORS = {
    "comparison": "a < b becomes a <= b, and a >= b; a == b becomes a != b",
    "logic": "a && b becomes a || b, a, b; likewise a || b; !a becomes a",
    "condition": "the condition of if, while and ?: becomes false, or true; a name or call that is returned, "
                 "the opposite",
    "arithmetic": "a + b becomes a - b, a * b becomes a / b, a % b becomes a / b, -a becomes a; likewise +=, ++; "
                  "of flags, a - b becomes a",
    "bits": "a | b becomes a, b; a & b becomes a, b, a | b; ~a becomes a; a << b becomes a >> b",
    "constant": "a number, or a name for one, becomes one more, and one less",
    "boolean": "true becomes false, false becomes true",
    "errno": "an error becomes another",
    "key": "EventFlags::in alone becomes out, and the other way round; another becomes none",
    "enumerator": "an enumerator becomes the next of its enumeration",
    "twin": "wake becomes wake_all, push_front push_back, add_head add_tail, min max, front back; and back",
    "statement": "a call, an assignment, a break or a continue goes",
    "reference": "a reference that is held for its own sake is not",
}

TWINS = {"wake": "wake_all", "push_front": "push_back", "add_head": "add_tail", "min": "max", "front": "back",
         "pop_front": "pop_back"}
TWINS |= {twin: name for name, twin in TWINS.items()}
TWIN_TYPES = re.compile(r"WaitQueue|IntrusiveList|deque|list<")

COMPARISONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/"}
BITS = {"&": "|", "^": "|"}
SHIFTS = {"<<": ">>", ">>": "<<"}
ASSIGNMENTS = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "<<=": ">>=", ">>=": "<<="}
OTHER_ASSIGNMENTS = {"=", "|=", "&=", "^=", "%="}
STEPS = {"++": "--", "--": "++"}
ERRNO = re.compile(rb"E[A-Z0-9]{2,}\Z")
NUMBER = re.compile(rb"(0[xX][0-9a-fA-F']+|[0-9][0-9']*)[uUlLzZ]*\Z")
CALLS_LEFT_OUT = re.compile(r"(rouse::)?(detail::)?tsan_(acquire|release)\b")


class Operators(Syntax):
    """The mutants of one file. What of the tree is visited, find.py decides."""

    def __init__(self, path, constants):
        super().__init__(path)
        self.constants = constants  # By USR, over all files.
        self.mutants = []
        self.changes = []
        self.function = ""
        self.in_chain = set()  # Terms of a | b | c: that they go is a mutant of the chain.
        self.masks = set()  # What & and | work on, what == and != compare, what a variable starts with.

    def add(self, operator, cursor, text, is_bool=False, span=None, mutated=None):
        start, end = span or self.span(cursor)
        original = one_line(self.source[start:end])
        mutant = Mutant(self.path.name, start, end, operator, self.function, original,
                        one_line(text) if mutated is None else mutated, text, is_bool)
        mutant.line = self.source.count(b"\n", 0, start) + 1
        self.mutants.append(mutant)

    def add_bool(self, operator, cursor, text):
        self.add(operator, cursor, text, is_bool=True)

    def statement(self, cursor):
        kind = kind_of(cursor)
        text = self.text(cursor)
        end = self.source.find(b";", self.span(cursor)[1])
        if end < 0 or self.source[self.span(cursor)[1]:end].strip():
            return
        inner = self.stripped(cursor)
        is_dropped = kind in (K.BREAK_STMT, K.CONTINUE_STMT, K.COMPOUND_ASSIGNMENT_OPERATOR)
        if kind_of(inner) == K.CALL_EXPR:
            is_dropped = not CALLS_LEFT_OUT.match(text.decode()) and not self.is_noreturn(inner)
        elif kind == K.BINARY_OPERATOR:
            is_dropped = True
        elif kind == K.UNARY_OPERATOR:
            is_dropped = b"++" in text or b"--" in text
        elif text.startswith(b"static_cast<void>") or kind == K.CXX_DELETE_EXPR:
            is_dropped = True
        if is_dropped:
            self.add("statement", cursor, b"", span=(self.span(cursor)[0], end + 1), mutated="")

    def reference(self, cursor, parts):
        body = self.source[self.span(cursor)[1]:]
        name = re.escape(cursor.spelling.encode())
        depth = 0
        for match in re.finditer(rb"[{}]|\b" + name + rb"\b", body):
            if match[0] == b"{":
                depth += 1
            elif match[0] == b"}":
                depth -= 1
                if depth < 0:
                    break
            else:
                return
        inner = self.stripped(parts[-1])
        argument = re.match(rb"(?:const )?FileRef \w+\{(.*)\}\Z", self.text(cursor), re.S)
        if argument and kind_of(inner) is not None:
            start = self.span(cursor)[0] + argument.start(1)
            self.add("reference", cursor, b"nullptr", span=(start, start + len(argument[1])))

    def binary(self, cursor):
        parts = self.parts(cursor)
        if len(parts) != 2:
            self.visit_all(self.children(cursor))
            return
        left, right = self.text(parts[0]), self.text(parts[1])
        name = self.between(*parts)
        if name == "+" and b'"' in left[:1] + right[:1]:
            return  # Text.
        if name in ("&", "|"):
            self.masks.update(self.span(self.stripped(part)) for part in parts)
        if name in ("==", "!="):
            self.masks.update(self.span(self.stripped(part)) for part in parts)

        def swapped(to):
            return left + b" " + to.encode() + b" " + right

        if name in COMPARISONS:
            for to in COMPARISONS[name]:
                self.add_bool("comparison", cursor, swapped(to))
        elif name in ("&&", "||"):
            self.add_bool("logic", cursor, swapped("||" if name == "&&" else "&&"))
            self.add_bool("logic", cursor, left)
            self.add_bool("logic", cursor, right)
        elif name in ARITHMETIC and kind_of(cursor) == K.CALL_EXPR:
            # Of objects: sets of flags, or what differs in type from what it is added to.
            if name == "-" and cursor.type.get_canonical().spelling.endswith("EventFlags"):
                self.add("arithmetic", cursor, left)
            elif name == "+":
                self.add("arithmetic", cursor, swapped("-"))
        elif name == "-" and right.endswith(b"begin()"):
            pass  # A distance of iterators: they have no sum.
        elif name in ARITHMETIC:
            self.add("arithmetic", cursor, swapped(ARITHMETIC[name]))
        elif name == "|":
            # Each term of a longer chain goes once.
            if left == b"O_RDONLY":
                self.add("bits", cursor, left)
                self.visit_all(parts)
                return
            if self.operator_of(parts[0]) != "|":
                self.add("bits", cursor, right)
                self.in_chain.add(self.span(self.stripped(parts[0])))
            self.add("bits", cursor, left)
            self.in_chain.add(self.span(self.stripped(parts[1])))
        elif name in BITS:
            self.add("bits", cursor, swapped(BITS[name]))
            # An atomic alone is an object, not a number as the whole is.
            is_atomic = any("std::atomic<" in part.type.get_canonical().spelling for part in parts[0].walk_preorder())
            self.add("bits", cursor, left + b".load()" if is_atomic else left)
            self.add("bits", cursor, right)
        elif name in SHIFTS:
            self.add("bits", cursor, swapped(SHIFTS[name]))
        elif name in ASSIGNMENTS:
            self.add("bits" if name[0] in "<>" else "arithmetic", cursor, swapped(ASSIGNMENTS[name]))
        if name in ASSIGNMENTS or name in OTHER_ASSIGNMENTS:
            self.visit(parts[1])
            if kind_of(self.stripped(parts[0])) not in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR):
                self.visit(parts[0])
        else:
            self.visit_all(parts)

    def visit_unary_operator(self, cursor):
        parts = self.parts(cursor)
        if len(parts) != 1:
            self.visit_all(self.children(cursor))
            return
        (start, end), (inner_start, inner_end) = self.span(cursor), self.span(parts[0])
        inner = self.text(parts[0])
        name = (self.source[start:inner_start] + self.source[inner_end:end]).strip().decode()
        if name == "!":
            self.add_bool("logic", cursor, inner)
        elif name == "~":
            self.add("bits", cursor, inner)
            self.masks.add(self.span(self.stripped(parts[0])))
        elif name == "-":
            self.add("arithmetic", cursor, inner)
            if NUMBER.match(inner):
                return  # The sign is enough.
        elif name in STEPS and cursor.type.spelling:
            to = STEPS[name].encode()
            self.add("arithmetic", cursor, inner + to if inner_start == start else to + inner)
            return
        elif name == "&":
            if kind_of(self.stripped(parts[0])) in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR):
                self.visit_all(self.children(self.stripped(parts[0])))
                return
        self.visit_all(parts)

    def visit_call_expr(self, cursor):
        name = cursor.spelling or ""
        parts = self.parts(cursor)
        if name.startswith("operator"):
            symbol = name.removeprefix("operator")
            if len(parts) == 2 and symbol and not symbol[0].isalpha() and symbol not in ("()", "[]", "->"):
                self.binary(cursor)
                return
            if len(parts) == 1 and symbol in ("!", "~", "-", "++", "--"):
                self.visit_unary_operator(cursor)
                return
        self.twin(cursor, name)
        for child in self.children(cursor):
            # The callee's own name is not a value; the object it is called on may be one.
            self.visit(child)

    def twin(self, cursor, name):
        if name not in TWINS:
            return
        text = self.text(cursor)
        children = self.children(cursor)
        if not children:
            return
        callee = children[0]
        if name in ("min", "max"):
            at = re.match(rb"std::" + name.encode(), text)
            if at:
                self.add("twin", cursor, b"std::" + TWINS[name].encode() + text[at.end():])
            return
        if kind_of(callee) != K.MEMBER_REF_EXPR:
            return
        objects = self.children(callee)
        type_ = objects[0].type.get_canonical().spelling if objects else ""
        if not TWIN_TYPES.search(type_) or ("IntrusiveList" in type_ and name == "front"):
            return
        callee_end = self.span(callee)[1] - self.span(cursor)[0]
        arguments = text[callee_end:]
        if name == "wake_all" and arguments == b"()":
            arguments = b"(any_key)"
        self.add("twin", cursor, text[:callee_end - len(name)] + TWINS[name].encode() + arguments)

    def visit_binary_operator(self, cursor):
        self.binary(cursor)

    def visit_compound_assignment_operator(self, cursor):
        self.binary(cursor)

    def visit_integer_literal(self, cursor):
        text = self.text(cursor)
        start = self.span(cursor)[0]
        if re.search(rb"\w+(\s+\w+)+\[\Z", self.source[max(0, start - 80):start]):
            return  # The bound of an array.
        if ERRNO.match(text):
            self.add("errno", cursor, b"EBADF" if text == b"EINVAL" else b"EINVAL")
        elif NUMBER.match(text):
            self.more_or_less(cursor, text, may_be_less=re.match(rb"0[uUlLzZ]*\Z", text) is None)

    def more_or_less(self, cursor, text, may_be_less=True):
        if self.span(cursor) in self.masks:
            return
        self.add("constant", cursor, text + b" + 1")
        if may_be_less:
            self.add("constant", cursor, text + b" - 1")

    def visit_cxx_bool_literal_expr(self, cursor):
        text = self.text(cursor)
        if self.span(cursor) not in self.masks and text in (b"true", b"false"):
            self.add("boolean", cursor, b"false" if text == b"true" else b"true")

    def visit_decl_ref_expr(self, cursor):
        referenced = cursor.referenced
        if referenced is None:
            return
        text = self.text(cursor)
        usr = referenced.get_usr()
        if usr in self.constants:
            start, end = self.span(cursor)
            self.changes.append(Change(start, end, text + b"_mutants()"))
        if kind_of(referenced) == K.ENUM_CONSTANT_DECL:
            self.enumerator(cursor, referenced)
            return
        if kind_of(referenced) != K.VAR_DECL:
            return
        if text.startswith(b"EventFlags::"):
            if self.span(cursor) in self.in_chain:
                return
            self.add("key", cursor, {b"EventFlags::in": b"EventFlags::out", b"EventFlags::out": b"EventFlags::in"}
                     .get(text, b"EventFlags{}"))
        elif self.is_number_of_ours(referenced):
            self.more_or_less(cursor, text)

    def is_number_of_ours(self, declaration):
        file = declaration.location.file
        if file is None or "/rouse/" not in file.name:
            return False
        type_ = declaration.type.get_canonical()
        source = pathlib.Path(file.name).read_bytes()
        start = declaration.extent.start.offset
        is_constexpr = b"constexpr" in source[start:declaration.location.offset]
        is_local = kind_of(declaration.semantic_parent) in FUNCTIONS or declaration.semantic_parent is None
        number = re.fullmatch(r"(const )?(unsigned )?(int|long|short|char|long long)", type_.spelling)
        return is_constexpr and number is not None and not is_local

    def enumerator(self, cursor, referenced):
        enumeration = referenced.semantic_parent
        file = enumeration.location.file
        if file is None or "/rouse/kernel/" not in file.name or enumeration.spelling == "Call":
            return
        names = [c.spelling for c in enumeration.get_children() if kind_of(c) == K.ENUM_CONSTANT_DECL]
        following = names[(names.index(referenced.spelling) + 1) % len(names)].encode()
        text = self.text(cursor)
        self.add("enumerator", cursor, text[:len(text) - len(referenced.spelling)] + following)
