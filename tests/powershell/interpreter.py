# SPDX-License-Identifier: Apache-2.0
"""Runs the part of PowerShell that the emitted scripts use, from the syntax tree of tree.mjs.

What it does not know it refuses, so a script that uses more of the language fails the tests. Scopes
are dynamic, comparisons ignore case, arrays are unrolled on output, as in about_Scopes,
about_Comparison_Operators and about_Return.
"""
import re


class Thrown(Exception):
    """A terminating error."""


class Return(Exception):
    def __init__(self, out):
        self.out = out


class Break(Exception):
    pass


class Continue(Exception):
    pass


class Hash:
    """A hashtable: keys ignore case and keep their order."""

    def __init__(self, pairs=()):
        self.items = {}
        for key, value in pairs:
            self.set(key, value)

    def set(self, key, value):
        name = key.lower() if isinstance(key, str) else key
        old = self.items.get(name)
        self.items[name] = (old[0] if old else key, value)

    def get(self, key):
        found = self.items.get(key.lower() if isinstance(key, str) else key)
        return found[1] if found else None

    def has(self, key):
        return (key.lower() if isinstance(key, str) else key) in self.items

    def pairs(self):
        return list(self.items.values())

    def plain(self):
        return {key: value for key, value in self.pairs()}


class Object(Hash):
    """An object with properties; asking for one that it has not is an error (StrictMode)."""


def compact(node):
    """The tree without the expressions that only wrap another one."""
    if isinstance(node, str) or isinstance(node[2], str):
        return node
    wraps = node[0].endswith('_expression') or node[0] in ('string_literal', 'integer_literal')
    if wraps and len(node[2]) == 1 and not isinstance(node[2][0], str):
        return compact(node[2][0])
    return node[:2] + [[compact(child) for child in node[2]]] + node[3:]


def text_of(value):
    if value is None:
        return ''
    if value is True or value is False:
        return 'True' if value else 'False'
    if isinstance(value, list):
        return ' '.join(text_of(item) for item in value)
    if isinstance(value, (str, int)):
        return str(value)
    raise Thrown(f'no text of {type(value).__name__}')


def truth(value):
    if isinstance(value, list):
        return truth(value[0]) if len(value) == 1 else bool(value)
    if isinstance(value, (Hash,)):
        return True
    return bool(value) if isinstance(value, (bool, int, str, type(None))) else True


def items_of(value):
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def one_of(out):
    return None if not out else out[0] if len(out) == 1 else list(out)


def number_of(value):
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Thrown(f'no number: {value!r}') from None


def same(a, b):
    if isinstance(a, bool) or isinstance(a, int) and not isinstance(b, str):
        return truth(b) == a if isinstance(a, bool) else isinstance(b, int) and a == b
    if isinstance(a, int):
        return text_of(a) == text_of(b)
    if a is None or b is None:
        return a is None and b is None
    return text_of(a).lower() == text_of(b).lower()


def wildcard(pattern):
    return re.compile(''.join('.*' if c == '*' else '.' if c == '?' else re.escape(c) for c in pattern), re.I | re.S)


def cast(kind, value):
    kind = kind.lower()
    if kind == 'string':
        return text_of(value)
    if kind == 'string[]':
        return [text_of(item) for item in items_of(value)]
    if kind in ('bool', 'switch'):
        return truth(value)
    if kind in ('int', 'uint64'):
        return number_of(value)
    if kind == 'hashtable':
        if not isinstance(value, Hash):
            raise Thrown('expected a hashtable')
        return value
    raise Thrown(f'cast to [{kind}] is not known')


class Script:
    """One script with its parameters, run against a world of cmdlets and objects."""

    def __init__(self, tree, world, path):
        self.tree, self.world = tree, world
        self.functions = {}
        self.scopes = [{'psscriptroot': path.rsplit('\\', 1)[0], 'whatifpreference': False, 'lastexitcode': 0}]

    # ---- names

    def lookup(self, name):
        name = name.lower()
        if name in ('true', 'false', 'null'):
            return {'true': True, 'false': False, 'null': None}[name]
        if name.startswith('env:'):
            return self.world.environment[name[4:]]
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        raise Thrown(f'the variable ${name} is not set')

    def assign(self, name, value):
        self.scopes[-1][name.lower()] = value

    # ---- statements

    def run(self, arguments):
        whatif = arguments.pop('WhatIf', False)
        self.scopes[0]['whatifpreference'] = whatif
        out = []
        try:
            for part in self.tree[2]:
                if part[0] == 'param_block':
                    self.bind([p for p in part[2] if p[0] == 'parameter_list'], [], dict(arguments), True)
                elif part[0] == 'statement_list':
                    self.statements(part, out)
        except Return as end:
            out += end.out
        return out

    def statements(self, node, out):
        for child in node[2]:
            if not isinstance(child, str):
                self.statement(child, out)

    def block(self, node, out):
        for child in node[2]:
            if child not in ('{', '}'):
                (self.statements if child[0] == 'statement_list' else self.statement)(child, out)

    def statement(self, node, out):
        kind, parts = node[0], node[2]
        if kind == 'pipeline':
            self.pipeline(node, out)
        elif kind == 'function_statement':
            name = next(p[2] for p in parts if p[0] == 'function_name')
            self.functions[name.lower()] = parts
        elif kind == 'if_statement':
            self.choose(parts, out)
        elif kind == 'foreach_statement':
            name = parts[2][2]
            for item in items_of(self.value(parts[4])):
                self.assign(name[1:], item)
                if not self.turn(parts[6], out):
                    break
        elif kind == 'for_statement':
            inner = {p[0]: p for p in parts if not isinstance(p, str)}
            self.statement(inner['for_initializer'][2][0], [])
            while truth(self.value(inner['for_condition'][2][0])):
                if not self.turn(inner['statement_block'], out):
                    break
                self.statement(inner['for_iterator'][2][0], [])
        elif kind == 'try_statement':
            try:
                self.block(parts[1], out)
            except Thrown as error:
                clause = next(p for p in parts if p[0] == 'catch_clauses')[2][0]
                self.thrown = error
                self.block(clause[2][1], out)
        elif kind == 'flow_control_statement':
            self.flow(parts, out)
        elif kind == 'statement_list':
            self.statements(node, out)
        else:
            raise Thrown(f'line {node[1]}: {kind} is not known')

    def turn(self, block, out):
        try:
            self.block(block, out)
        except Break:
            return False
        except Continue:
            pass
        return True

    def choose(self, parts, out):
        clauses = [(parts[2], parts[4])]
        last = None
        for part in parts[5:]:
            if part[0] == 'elseif_clauses':
                clauses += [(c[2][2], c[2][4]) for c in part[2]]
            else:
                last = part[2][1]
        for condition, block in clauses:
            if truth(self.value(condition)):
                return self.block(block, out)
        if last:
            self.block(last, out)

    def flow(self, parts, out):
        word = parts[0]
        if word == 'return':
            raise Return(items_of(self.value(parts[1])) if len(parts) > 1 else [])
        if word == 'break':
            raise Break
        if word == 'continue':
            raise Continue
        if word == 'throw' and len(parts) == 1:
            raise self.thrown
        if word == 'throw':
            raise Thrown(text_of(self.value(parts[1])))
        raise Thrown(f'{word} is not known')

    # ---- pipelines and commands

    def pipeline(self, node, out):
        inner = node[2][0]
        if inner[0] == 'assignment_expression':
            target, operator, source = inner[2]
            value = self.value(source)
            target = self.bare(target)
            if operator[2][0] == '+=':
                old = self.value(target)
                value = items_of(old) + items_of(value) if isinstance(old, list) else self.add(old, value)
            self.store(target, value)
            return
        flowing = None
        stages = [s for s in inner[2] if s != '|'] if inner[0] == 'pipeline_chain' else [inner]
        for stage in stages:
            produced = []
            if stage[0] == 'command':
                self.command(stage, flowing, produced)
            elif self.bare(stage)[0] == 'post_decrement_expression':
                name = self.bare(stage)[2][0][2][1:]
                self.assign(name, self.lookup(name) - 1)
            else:
                produced = items_of(self.value(stage))
            flowing = produced
        out += flowing

    def command(self, node, flowing, out):
        name, elements = None, []
        for part in node[2]:
            if part[0] == 'command_name':
                name = part[2]
            elif part[0] == 'command_name_expr':
                name = text_of(self.value(part[2][0]))
            elif part[0] == 'command_elements':
                elements = part[2]
        positional, named, waiting = [], {}, None
        glued = False
        for part in elements:
            if part[0] == 'command_argument_sep':
                glued = part[2] == [':'] or part[2] == ':'
                continue
            if part[0] == 'command_parameter':
                if waiting:
                    named[waiting] = True
                waiting = part[2][1:]
                continue
            bare = self.bare(part)
            if bare[0] == 'variable' and bare[2].startswith('@'):
                if waiting:
                    named[waiting], waiting = True, None
                for key, value in self.lookup(bare[2][1:]).pairs():
                    if any(key.lower() == k.lower() for k in named):
                        raise Thrown(f'{name}: -{key} is given twice')
                    named[key] = value
                continue
            value = part[2] if part[0] == 'generic_token' else self.value(part)
            if waiting and (glued or not self.world.is_switch(name, waiting)):
                if any(waiting.lower() == k.lower() for k in named):
                    raise Thrown(f'{name}: -{waiting} is given twice')
                named[waiting], waiting = value, None
            else:
                if waiting:
                    named[waiting], waiting = True, None
                positional.append(value)
        if waiting:
            named[waiting] = True
        function = self.functions.get(name.lower())
        if function:
            return self.call(function, positional, named, out)
        if name.lower() in ('where-object', 'sort-object', 'out-null', 'select-object'):
            out += self.filter(name.lower(), positional, named, flowing or [])
            return
        out += items_of(self.world.cmdlet(self, name, positional, named))

    def filter(self, name, positional, named, flowing):
        if name == 'out-null':
            return []
        if name == 'select-object':
            return flowing[:named['First']]
        if name == 'where-object':
            return [item for item in flowing if truth(self.of_item(positional[0], item))]
        by = named['Property']
        if isinstance(by, str):
            return sorted(flowing, key=lambda item: text_of(self.member(item, by)).lower())
        return sorted(flowing, key=lambda item: text_of(self.of_item(by, item)).lower())

    def of_item(self, block, item):
        self.scopes.append({'_': item})
        try:
            out = []
            for child in block[2]:
                if child not in ('{', '}'):
                    for body in child[2]:
                        self.statements(body[2][0] if body[0] == 'script_block_body' else body, out)
            return one_of(out)
        finally:
            self.scopes.pop()

    def call(self, function, positional, named, out):
        self.scopes.append({})
        try:
            lists = []
            for part in function:
                if not isinstance(part, str) and part[0] == 'function_parameter_declaration':
                    lists = [p for p in part[2] if p[0] == 'parameter_list']
            self.bind(lists, positional, named, False)
            for part in function:
                if not isinstance(part, str) and part[0] in ('script_block', 'statement_list', 'script_block_body'):
                    self.body(part, out)
        except Return as end:
            out += end.out
        finally:
            self.scopes.pop()

    def body(self, node, out):
        if node[0] == 'statement_list':
            return self.statements(node, out)
        for child in node[2]:
            self.body(child, out)

    def bind(self, lists, positional, named, is_script):
        parameters = [p for one in lists for p in one[2] if p != ',']
        left = list(positional)
        for parameter in parameters:
            kind, bounds, default = None, None, None
            for part in parameter[2] if not isinstance(parameter[2], str) else []:
                if part[0] == 'variable':
                    name = part[2][1:]
                elif part[0] == 'attribute_list':
                    for attribute in part[2]:
                        words = attribute[3]
                        found = re.match(r'\[ValidateRange\((\d+), (\d+)\)\]$', words)
                        if found:
                            bounds = int(found[1]), int(found[2])
                        else:
                            kind = words[1:-1]
                elif part[0] == 'script_parameter_default':
                    default = self.value(part[2][1])
            given = next((k for k in named if k.lower() == name.lower()), None)
            if given is not None:
                value = named.pop(given)
            elif left and not is_script:
                value = left.pop(0)
            else:
                value = default
            if kind:
                value = cast(kind, value)
            if bounds and not bounds[0] <= value <= bounds[1]:
                raise Thrown(f'-{name} is out of range')
            self.assign(name, value)
        if left or named:
            raise Thrown(f'arguments that nobody takes: {left} {named}')

    # ---- expressions

    def bare(self, node):
        while not isinstance(node, str) and not isinstance(node[2], str) and len(node[2]) == 1 \
                and not isinstance(node[2][0], str) and node[0] not in ('pipeline', 'type_literal', 'statement_list', 'expandable_string_literal'):
            node = node[2][0]
        return node

    def store(self, target, value):
        if target[0] == 'variable':
            self.assign(target[2][1:], value)
        elif target[0] == 'member_access':
            self.value(target[2][0]).set(self.name_of(target[2][2]), value)
        elif target[0] == 'element_access':
            self.value(target[2][0]).set(self.value(target[2][2]), value)
        else:
            raise Thrown(f'line {target[1]}: nothing to assign to')

    def name_of(self, node):
        inner = self.bare(node)
        return inner[2] if inner[0] == 'simple_name' else text_of(self.value(inner))

    def member(self, value, name):
        if isinstance(value, list):
            if name.lower() in ('count', 'length'):
                return len(value)
            return one_of([item for one in value for item in items_of(self.member(one, name))])
        if isinstance(value, Object):
            if name == 'PSObject':
                return Object([('Properties', [Object([('Name', key)]) for key, _ in value.pairs()])])
            if not value.has(name):
                raise Thrown(f'the property {name} is not there')
            return value.get(name)
        if isinstance(value, Hash):
            if not value.has(name) and name.lower() == 'count':
                return len(value.items)
            if not value.has(name):
                raise Thrown(f'the key {name} is not there')
            return value.get(name)
        if value is None:
            raise Thrown(f'nothing has no property {name}')
        found = getattr(value, 'get_' + name, None)
        if found is None:
            raise Thrown(f'{type(value).__name__} has no property {name}')
        return found()

    def invoke(self, value, name, arguments):
        if isinstance(value, Hash) and name == 'ContainsKey':
            return value.has(arguments[0])
        found = getattr(value, name, None)
        if found is None:
            raise Thrown(f'{type(value).__name__} has no method {name}')
        return found(*arguments)

    def add(self, a, b):
        if isinstance(a, list):
            return a + items_of(b)
        if isinstance(a, Hash):
            for key, _ in b.pairs():
                if a.has(key):
                    raise Thrown(f'the key {key} is there twice')
            return Hash(a.pairs() + b.pairs())
        if isinstance(a, str):
            return a + text_of(b)
        return number_of(a) + number_of(b)

    def value(self, node):
        node = self.bare(node)
        kind, parts = node[0], node[2]
        handler = getattr(self, 'eval_' + kind, None)
        if handler is None:
            raise Thrown(f'line {node[1]}: {kind} is not known')
        return handler(node, parts)

    def eval_variable(self, node, parts):
        return self.lookup(node[-1][1:] if len(node) > 3 else parts[1:])

    def eval_verbatim_string_characters(self, node, parts):
        return parts[1:-1].replace("''", "'")

    def eval_decimal_integer_literal(self, node, parts):
        return int(parts)

    def eval_integer_literal(self, node, parts):
        return int(parts)

    def eval_real_literal(self, node, parts):
        return node[3] if len(node) > 3 else parts

    def eval_generic_token(self, node, parts):
        return parts

    def eval_expandable_string_literal(self, node, parts):
        if isinstance(parts, str):
            return parts[1:-1]
        if node[3].strip('"').startswith('$(') and len(parts) == 1:
            return text_of(self.value(parts[0]))
        if len(parts) == 1 and parts[0][0] == 'variable' and node[3] == f'"{parts[0][-1]}"':
            return text_of(self.value(parts[0]))
        raise Thrown(f'line {node[1]}: only "$(...)" and "$name" are known')

    def eval_sub_expression(self, node, parts):
        out = []
        for part in parts:
            if not isinstance(part, str):
                self.statements(part, out)
        return one_of(out)

    def eval_pipeline(self, node, parts):
        inner = parts[0]
        while inner[0] == 'pipeline_chain' and len(inner[2]) == 1:
            inner = inner[2][0]
        if inner[0] not in ('pipeline_chain', 'command', 'assignment_expression', 'post_decrement_expression'):
            return self.value(inner)
        out = []
        self.pipeline(node, out)
        return one_of(out)

    eval_pipeline_chain = lambda self, node, parts: self.eval_pipeline(['pipeline', node[1], [node]], parts)

    def eval_command(self, node, parts):
        out = []
        self.command(node, None, out)
        return one_of(out)

    def eval_parenthesized_expression(self, node, parts):
        return self.value(parts[1])

    def eval_array_expression(self, node, parts):
        out = []
        for part in parts:
            if not isinstance(part, str):
                self.statements(part, out)
        return out

    def eval_array_literal_expression(self, node, parts):
        return [self.value(part) for part in parts if part != ',']

    def eval_hash_literal_expression(self, node, parts):
        table = Hash()
        for body in parts:
            if isinstance(body, str):
                continue
            for entry in body[2]:
                if isinstance(entry, str) or entry[0] != 'hash_entry':
                    continue
                if table.has(self.name_of(entry[2][0])):
                    raise Thrown('a key twice')
                table.set(self.name_of(entry[2][0]), self.value(entry[2][2]))
        return table

    def eval_script_block_expression(self, node, parts):
        return node

    def eval_member_access(self, node, parts):
        if parts[1] == '::':
            return self.world.static(parts[0][3])
        return self.member(self.value(parts[0]), self.name_of(parts[2]))

    def eval_invokation_expression(self, node, parts):
        arguments = []
        for part in parts[3][2]:
            if not isinstance(part, str):
                inner = part
                while inner[0] == 'argument_expression_list' and len(inner[2]) == 1:
                    inner = inner[2][0]
                if inner[0] == 'argument_expression_list':
                    arguments += [self.value(a) for a in inner[2] if a != ',']
                else:
                    arguments.append(self.value(inner))
        if parts[1] == '::':
            return self.invoke(self.world.static(parts[0][3]), parts[2][3] if len(parts[2]) > 3 else parts[2][2], arguments)
        return self.invoke(self.value(parts[0]), self.name_of(parts[2]), arguments)

    def eval_element_access(self, node, parts):
        value, index = self.value(parts[0]), self.value(parts[2])
        if isinstance(value, Hash):
            return value.get(index)
        if not isinstance(value, list):
            raise Thrown(f'line {node[1]}: no list')
        if not -len(value) <= index < len(value):
            raise Thrown('out of the list')
        return value[index]

    def eval_type_literal(self, node, parts):
        return node[3][1:-1].lower()

    def eval_cast_expression(self, node, parts):
        return cast(parts[0][3][1:-1], self.value(parts[1]))

    def eval_expression_with_unary_operator(self, node, parts):
        if parts[0] == '-not':
            return not truth(self.value(parts[1]))
        if parts[0] == '-' or parts[0] == '+':
            return -number_of(self.value(parts[1]))
        raise Thrown(f'line {node[1]}: {parts[0]} is not known')

    def eval_format_expression(self, node, parts):
        pattern, value = self.value(parts[0]), self.value(parts[2])
        return pattern.replace('{0:d4}', f'{value:04d}')

    def eval_logical_expression(self, node, parts):
        left = truth(self.value(parts[0]))
        if parts[1] == '-and':
            return left and truth(self.value(parts[2]))
        return left or truth(self.value(parts[2]))

    def eval_bitwise_expression(self, node, parts):
        left, right = number_of(self.value(parts[0])), number_of(self.value(parts[2]))
        return left & right if parts[1] == '-band' else left | right

    def eval_additive_expression(self, node, parts):
        left, right = self.value(parts[0]), self.value(parts[2])
        return self.add(left, right) if parts[1] == '+' else number_of(left) - number_of(right)

    def eval_multiplicative_expression(self, node, parts):
        assert parts[1] == '/'
        return self.value(parts[0]) // self.value(parts[2])

    def eval_comparison_expression(self, node, parts):
        operator = parts[1][2] if isinstance(parts[1][2], str) else parts[1][2][0]
        left, right = self.value(parts[0]), self.value(parts[2])
        if operator in ('-is', '-isnot'):
            kinds = {'bool': bool, 'array': list}
            return isinstance(left, kinds[right]) == (operator == '-is')
        if operator == '-contains':
            return any(same(item, right) for item in items_of(left))
        if operator == '-like':
            return bool(wildcard(right).fullmatch(text_of(left)))
        if operator == '-replace':
            pattern, new = right
            return re.sub(pattern, new, left, flags=re.I)
        if operator == '-split':
            return re.split(right, left, flags=re.I)
        if isinstance(left, list):
            raise Thrown(f'line {node[1]}: comparison of a list')
        if operator in ('-eq', '-ne'):
            return same(left, right) == (operator == '-eq')
        compare = {'-gt': lambda a, b: a > b, '-ge': lambda a, b: a >= b, '-lt': lambda a, b: a < b}
        return compare[operator](number_of(left), number_of(right))

    eval_additive_argument_expression = eval_additive_expression
    eval_logical_argument_expression = eval_logical_expression
    eval_comparison_argument_expression = eval_comparison_expression
