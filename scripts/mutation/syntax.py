"""The syntax tree of one header as libclang gives it, beside its text."""
import pathlib
import re

from clang.cindex import CursorKind

K = CursorKind
FUNCTIONS = {K.FUNCTION_DECL, K.CXX_METHOD, K.CONSTRUCTOR, K.DESTRUCTOR, K.CONVERSION_FUNCTION, K.FUNCTION_TEMPLATE}
SCOPES = {K.NAMESPACE, K.CLASS_DECL, K.STRUCT_DECL, K.CLASS_TEMPLATE, K.UNION_DECL, K.LINKAGE_SPEC,
          K.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION}
TYPE_LIKE = {K.TYPE_REF, K.NAMESPACE_REF, K.TEMPLATE_REF, K.PARM_DECL, K.OVERLOADED_DECL_REF}


# The library of Debian 12 knows kinds that its Python side has no name for; none of them is one of ours.
def kind_of(cursor):
    number = cursor._kind_id
    kinds = K._kinds
    return kinds[number] if number < len(kinds) and kinds[number] is not None else K.UNEXPOSED_DECL


class Syntax:
    """One file."""

    def __init__(self, path):
        self.path = path
        self.source = path.read_bytes()

    def text(self, cursor):
        return self.source[cursor.extent.start.offset:cursor.extent.end.offset]

    def span(self, cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def children(self, cursor):
        return [child for child in cursor.get_children() if child.extent.start.offset < child.extent.end.offset]

    def parts(self, cursor):
        """The operands: children that are expressions and stand for themselves."""
        own = self.span(cursor)
        return [c for c in self.children(cursor)
                if kind_of(c) not in TYPE_LIKE and own[0] <= c.extent.start.offset and c.extent.end.offset <= own[1]
                and not (kind_of(c) in (K.UNEXPOSED_EXPR, K.DECL_REF_EXPR) and self.is_operator_name(c))]

    def is_operator_name(self, cursor):
        return not re.match(rb"[\w:({\[\"'!~*&+-]", self.text(cursor)) or self.text(cursor) in (
            b"|", b"&", b"~", b"!", b"-", b"+", b"++", b"--", b"*", b"&&", b"->")

    def between(self, left, right):
        """The operator between two operands."""
        text = self.source[left.extent.end.offset:right.extent.start.offset]
        return re.sub(rb"//[^\n]*", b"", text).strip().decode()

    def stripped(self, cursor):
        """Without the wrappers of the same extent that stand for implicit conversions."""
        while kind_of(cursor) in (K.UNEXPOSED_EXPR, K.CALL_EXPR):
            inner = [c for c in self.children(cursor) if kind_of(c) not in TYPE_LIKE]
            if len(inner) != 1 or self.span(inner[0]) != self.span(cursor):
                break
            cursor = inner[0]
        return cursor

    def operator_of(self, cursor):
        inner = self.stripped(cursor)
        if kind_of(inner) == K.PAREN_EXPR:
            return self.operator_of(self.children(inner)[0])
        parts = self.parts(inner)
        return self.between(*parts) if len(parts) == 2 and kind_of(inner) in (K.BINARY_OPERATOR, K.CALL_EXPR) else ""

    def name_of(self, cursor):
        names = []
        while cursor is not None and kind_of(cursor) != K.TRANSLATION_UNIT:
            names.append(cursor.spelling)
            cursor = cursor.semantic_parent
            if cursor is not None and kind_of(cursor) == K.NAMESPACE and cursor.spelling in ("kernel", "sys"):
                break
        return "::".join(reversed([re.sub(r"<.*", "", name) for name in names if name]))

    def is_constexpr(self, cursor):
        name_at = cursor.location.offset
        return re.search(rb"\bconst(expr|init)\b", self.source[self.span(cursor)[0]:name_at]) is not None

    def is_atomic(self, cursor):
        return cursor.type.get_canonical().spelling.startswith("std::atomic<")

    def is_noreturn(self, cursor):
        called = cursor.referenced
        if called is None:
            return False
        start = called.extent.start.offset
        file = called.extent.start.file
        if file is None:
            return False
        source = pathlib.Path(file.name).read_bytes()
        # The extent of a declaration starts behind its attributes.
        return b"[[noreturn" in source[max(source.rfind(b";", 0, start), source.rfind(b"}", 0, start), 0):start]

    def is_plain(self, cursor):
        """Neither a comparison nor a logical operation nor a constant: what has mutants of its own."""
        return kind_of(cursor) in (K.CALL_EXPR, K.DECL_REF_EXPR, K.MEMBER_REF_EXPR) and \
            not re.search(r"^operator(&&|\|\||!|[<>=!]=?|<=>)$", cursor.spelling or "")
