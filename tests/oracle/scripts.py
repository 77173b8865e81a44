"""Scripts for the oracle; see GROUPS in oracle_test.py."""

# Each is run with two keys and two arguments. Numbers with fractions are compared as text that Lua
# makes: Redis 7.0 gives redis.call more digits of them than 7.2 does.
SCRIPTS = [
    "return redis.call('set',KEYS[1],ARGV[1])",
    "return redis.call('get',KEYS[1])",
    "return redis.pcall('incrby',KEYS[1],ARGV[1])",
    "return redis.call('lpush',KEYS[1],ARGV[1],ARGV[2])",
    "return {redis.pcall('type',KEYS[1]), redis.pcall('exists',KEYS[2])}",
    "local n = redis.call('incr',KEYS[1]); redis.call('rpush',KEYS[2],n); return n",
    "return redis.call('lrange',KEYS[2],0,3)",
    "redis.call('del',KEYS[1]); return redis.call('hset',KEYS[1],ARGV[1],ARGV[2],'f',7)",
    "return #redis.call('hgetall',KEYS[1])",
    "redis.setresp(3); return redis.call('hgetall',KEYS[1])['map'] ~= nil",
    "redis.setresp(3); return redis.call('sismember',KEYS[1],ARGV[1])",
    "redis.setresp(3); return redis.call('get',KEYS[1]) == nil",
    "redis.setresp(3); return redis.call('zscore',KEYS[1],ARGV[1])",
    "return redis.call('get',KEYS[1]) == false",
    "return redis.call('set','undeclared:'..KEYS[1],ARGV[1])",
    "return redis.call('get','undeclared:'..KEYS[1])",
    "return redis.call('mset',KEYS[1],1,KEYS[2],2)",
    "redis.call('select',1) return redis.call('get',KEYS[1])",
    "return {KEYS[1],KEYS[2],ARGV[1],ARGV[2],#KEYS,#ARGV}",
    "return {1,'a',{2,{3}},true,false,nil,9}",
    "return {ok='fine'}", "return {err='MINE bad'}", "return redis.error_reply('x y')",
    "return redis.status_reply('x')", "return redis.error_reply()", "return 3.99", "return -3.99",
    "return 1e300", "return", "return nil", "return {}", "return {x=1}", "return {double=2.5}",
    "return {map={a=1}}", "return {set={a=true}}", "return {big_number='123'}",
    "return {verbatim_string={format='txt',string='hi'}}", "return {verbatim_string={string='x'}}",
    "return function() end", "return tostring(nil)", "error('boo')", "error({err='CODE boo'})",
    "error()", "error(nil)", "\n\nerror('line 3')", "return redis.call('nope')",
    "return redis.call('get')", "return redis.call()", "return redis.call({})",
    "return redis.call('multi')", "return redis.pcall('lpush')", "return redis.call('eval','x',0)",
    "local ok,e = pcall(redis.call,'lpush',KEYS[1]) return {tostring(ok),e}",
    "return {pcall(function() error('in') end)}", "local x = nil return x.y", "return y", "y = 1",
    "rawset(_G,'x',1)", "redis.x = 1", "table.insert(redis,1)", "setmetatable(_G,{})",
    "KEYS = {}", "KEYS[1] = 'changed' return KEYS[1]", "string.x = 1", "('x').y = 1",
    "getmetatable('').__index = 1", "return type(getmetatable(''))", "return ('abc'):upper()",
    "local f,e = loadstring(string.dump(function() end)) return {tostring(f),e}",
    "return loadstring('return 5')()", "local f,e = loadstring('x(') return e",
    "local i=0 return load(function() i=i+1 return ({'return ','7'})[i] end)()",
    "print(1)", "return 1",
    "math.randomseed(9) return {math.random(100),math.random(100),math.random(5,9)}",
    "math.randomseed(ARGV[1]) return tostring(math.random())",
    "return math.random(5,1)", "return unpack({1,2,3})", "return unpack({},1,1e8)",
    "local function f(n) return n == 0 and 0 or 1 + f(n-1) end return f(100)",
    "return redis.sha1hex(ARGV[1])", "return redis.sha1hex()", "redis.setresp(4)",
    "redis.log(1)", "redis.log('x','y')", "redis.log(9,'y')", "redis.set_repl(99)",
    "return redis.set_repl(redis.REPL_ALL)", "return redis.replicate_commands()",
    "return redis.acl_check_cmd('get','x')", "return redis.acl_check_cmd('nope')",
    "#!lua\nreturn redis.call('set',KEYS[1],'shebang')",
    "#!lua flags=no-writes\nreturn redis.call('get',KEYS[1])",
    "#!lua flags=no-writes\nreturn redis.call('set',KEYS[1],'x')",
    "#!lua flags=no-writes,bad\nreturn 1", "#!lua x=1\nreturn 1", "#!luax\nreturn 1", "#!lua",
    "syntax(", "return 'a", "", "goto x", "return 0x10", "return '\\200\\0x'",
    # The libraries.
    "return cjson.encode({1,2,3,{a=1}})", "return cjson.encode({[5]=1})",
    "return cjson.encode({[1]=1,[20]=1})", "return cjson.encode({ARGV[1]})",
    "return cjson.encode({0.1,1e20,1e100,-1.5,100000000000000,123456789012345})",
    "return cjson.encode(1/0)", "return cjson.encode(function() end)", "return cjson.encode({})",
    "return cjson.encode({cjson.null,true,false})", "return cjson.encode('\\1\\2\"/\\127')",
    "local t={} for i=1,1001 do t={t} end return cjson.encode(t)",
    "local t={} for i=1,900 do t={t} end return #cjson.encode(t)",
    "return cjson.decode('[1,2,{\"a\":[]}]')", "return cjson.decode('{\"x\":1}').x",
    "return cjson.decode('\"\\\\u00e9\\\\ud83d\\\\ude00\"')", "return cjson.decode(ARGV[1])",
    "return cjson.decode('[1,')", "return cjson.decode(string.rep('[',2000))",
    "return cjson.decode('null') == cjson.null", "return tostring(cjson.decode('1.5e3'))",
    "return cmsgpack.pack(1,-1,127,128,-32,-33,255,256,65535,65536,-129,-32769,4294967296)",
    "return cmsgpack.pack(1.5,0.1,'abc',true,false,nil,{1,2,3},{a=1})",
    "return cmsgpack.pack(string.rep('x',32),string.rep('y',300))",
    "return #cmsgpack.pack(string.rep('x',70000))", "return cmsgpack.pack({1,nil,3})",
    "return cmsgpack.pack({})",
    "return cmsgpack.pack(2^53,-2^53,2^63,-2^63)", "return cmsgpack.pack()",
    "local t={} for i=1,20 do t={t} end return cmsgpack.pack(t)",
    "return {cmsgpack.unpack(cmsgpack.pack(1,2,'x',{1,2}))}", "return cmsgpack.unpack(ARGV[1])",
    "return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3))}",
    "return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3),1)}",
    "return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),2)}",
    "return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),2,1)}",
    "return cmsgpack.unpack_one('x',-1)", "return cmsgpack.unpack_one('x',9)",
    "return cmsgpack.unpack('\\221')", "return cmsgpack.unpack('\\193')",
    "return cmsgpack.unpack(string.rep('\\145',20000))",
    "return struct.pack('>I2i4bBhHlL',1,-2,3,4,-5,6,-7,8)", "return struct.pack('<I3i7',70000,-9)",
    "return struct.pack('s',ARGV[1])", "return struct.pack('c3','abcdef')",
    "return struct.pack('c3','a')", "return struct.pack('c0','abc')", "return struct.pack('xbx',1)",
    "return struct.pack('>!4 b i4',1,2)", "return struct.pack('!8 b d',1,2)",
    "return struct.pack('fd',1.5,-2.5)", "return struct.pack('>f>d',1.5,-2.5)",
    "return struct.pack('i33',1)", "return struct.pack('q',1)", "return struct.pack('i32',-1)",
    "return struct.pack('!3b',1)", "return struct.pack('i99999999999',1)",
    "return struct.pack('i')",
    "return {struct.unpack('>I2i4',struct.pack('>I2i4',1,-2))}",
    "return {struct.unpack('<bBhH','\\255\\255\\255\\255\\255\\255')}",
    "return {struct.unpack('bc0',struct.pack('bc0',3,'abc'))}",
    "return {struct.unpack('s','abc\\0rest')}", "return struct.unpack('s','abc')",
    "return struct.unpack('i4','ab')", "return {struct.unpack('b','abc',2)}",
    "return struct.unpack('b','abc',9)", "return struct.unpack('b','abc',-1)",
    "return struct.unpack('c0','abc')", "return struct.size('bi4h')", "return struct.size('!bi4h')",
    "return struct.size('s')", "return struct.size('c0')",
    "return {bit.tobit(2^31),bit.bnot(0),bit.band(255,15),bit.bor(1,2),bit.bxor(3,1)}",
    "return {bit.lshift(1,31),bit.rshift(-1,1),bit.arshift(-8,1),bit.rol(1,33),bit.ror(1,1)}",
    "return {bit.tohex(255),bit.tohex(-1,4),bit.tohex(1,-4),bit.bswap(1),bit.tobit(1e308)}",
    "return bit.tohex(1,0)", "return bit.band()", "return bit.lshift(1)", "return bit.bnot('x')",
]


class Maker:
    def __init__(self, g):
        self.g = g

    def key(self):
        return "s%d" % self.g.random.randrange(6)

    def argument(self):
        g = self.g
        return g.pick("1", "-5", "abc", "", "x" * 50, "3", b"\x82\xa1a\x01\xa1b\x02", '{"a":[1,2]}')

    def eval(self):
        g = self.g
        name = "EVAL_RO" if g.chance(8) else "EVAL"
        if g.chance(2):
            return [name, "return 1", g.pick("x", "-1", "9", "1"), ]
        return [name, g.pick(*SCRIPTS), "2", self.key(), self.key(), self.argument(),
                self.argument()]

    def by_sha(self):
        import hashlib
        g = self.g
        sha = hashlib.sha1(g.pick(*SCRIPTS[:20]).encode()).hexdigest()
        sha = sha.upper() if g.chance(10) else sha
        return [g.pick("EVALSHA", "EVALSHA", "EVALSHA_RO"), "f" * 40 if g.chance(5) else sha,
                "2", self.key(), self.key(), self.argument(), self.argument()]


def makers(g):
    m = Maker(g)
    return [
        (20, m.eval),
        (6, m.by_sha),
        (1, lambda: ["SCRIPT", "EXISTS", "a", "f" * 40]),
        (1, lambda: ["SCRIPT", g.pick("LOAD", "LOAD", "load"), g.pick(*SCRIPTS)]),
        (1, lambda: ["SCRIPT", "FLUSH"] + g.pick([], ["SYNC"], ["x"])),
        (1, lambda: ["SCRIPT", "KILL"]),
    ]


def normalised(name, command, reply):
    return reply


def dump(client, key, kind):
    return None
