//! What cannot be read is said, with the place and what to do.

use insta::assert_snapshot;

use super::parse;

fn refused(text: &str) -> String {
    match parse(text) {
        Ok(command) => panic!("{text}\nis read as {command:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_error_names_the_place_and_says_what_to_do() {
    let texts = [
        "",
        "wget https://example.com",
        "fetch(\"https://example.com\")",
        "echo '{}' | curl -d @- https://example.com",
        "curl",
        "curl -X POST",
        "curl -H",
        "curl -H Authorization:<token> https://example.com",
        "curl https://example.com/<id>/x",
        "curl https://example.com >",
        "curl {{base_url}}/x",
        "curl -X '' https://example.com",
        "curl -X 'GET ' https://example.com",
        "curl https://example.com -H 'A: b",
        "curl https://example.com -d '{\"a\":\"don't\"}'",
        "curl https://example.com -d \"a",
        "curl https://example.com -d $'a",
        "curl https://example.com -H \"A: b”",
        "curl https://example.com -H \"A: $NOT_SET\"",
        "curl https://example.com/${NOT_SET}",
        "curl https://example.com/$1",
        "curl -H \"A: [j$!]S\" https://example.com",
        "curl https://example.com/${FILM_ID%t}",
        "curl https://example.com -H \"A: $(cat token)\"",
        "curl https://example.com -H \"A: `cat token`\"",
        "curl -d @<(cat x) https://example.com",
        "curl https://example.com/?a=1&b=2",
        "curl https://example.com/a;b=2",
        "curl https://example.com/a(b)",
        "curl -d {\"a\":1,\"b\":2} https://example.com",
        "curl --colour https://example.com",
        "curl --heade 'A: b' --dat x https://example.com",
        "curl --requets POST https://example.com",
        "curl -y",
        "curl -é https://example.com",
        "curl - https://example.com",
        "curl https://example.com/{id}/x",
        "curl https://example.com/[1-9]",
        "curl 'https://example.com/a b'",
        "curl 'ftp://example.com/a'",
        "curl ''",
        "curl http://",
        "curl http://:80/",
        "curl http://localhost:PORT/a",
        "curl http://localhost:99999/a",
        "curl \"“https://example.com”\"",
        "curl -d @/no/such/file https://example.com",
        "curl -d @/dev/zero https://example.com",
        "curl -d @- https://example.com",
        "curl -d @- https://example.com <<EOF\nx",
        "curl -d $'\\xff' https://example.com",
        "curl -d $'\\0' https://example.com",
        "curl -d $'\\ud83d' https://example.com",
        "curl -H $'A: b\\nC: d' https://example.com",
        "curl -u me https://example.com",
        "curl -I -d x https://example.com",
        "curl -G -d 'q=a b' https://example.com",
        "curl -m soon https://example.com",
        "curl --retry -1 https://example.com",
        "curl --max-filesize 10T https://example.com",
        "curl.exe \"https://example.com\" -H \"A: %NOT_SET%\"",
        "curl ^\"https://example.com^\" -H ^\"A: b",
        "curl.exe `\n -H \"A: $(Get-Token)\" https://example.com",
        "curl.exe `\n -H \"A: b https://example.com",
    ];
    let all: Vec<String> = texts.iter().map(|text| format!("> {text}\n{}", refused(text))).collect();
    assert_snapshot!(all.join("\n\n"), @r##"
    > 
    there is no command
    hint: paste a whole command, from the word curl on; a browser's network panel has it as "Copy as cURL"

    > wget https://example.com
    a command that does not begin with curl at `wget`
    hint: paste a whole command, from the word curl on; a browser's network panel has it as "Copy as cURL"

    > fetch("https://example.com")
    a command that does not begin with curl at `fetch("https://example.com")`
    hint: paste a whole command, from the word curl on; a browser's network panel has it as "Copy as cURL"

    > echo '{}' | curl -d @- https://example.com
    a command that does not begin with curl at `echo`
    hint: paste a whole command, from the word curl on; a browser's network panel has it as "Copy as cURL"

    > curl
    the command has no URL
    hint: copy the whole command, to its last line

    > curl -X POST
    the command has no URL
    hint: copy the whole command, to its last line

    > curl -H
    an option without its value at `-H`
    hint: copy the whole command, to its last line

    > curl -H Authorization:<token> https://example.com
    `<` outside of quotes at `<token>`
    hint: put the value itself there; where the sign is text, put the word into single quotes

    > curl https://example.com/<id>/x
    `<` outside of quotes at `<id>`
    hint: put the value itself there; where the sign is text, put the word into single quotes

    > curl https://example.com >
    `>` outside of quotes at `>`
    hint: put the value itself there; where the sign is text, put the word into single quotes

    > curl {{base_url}}/x
    braces or brackets in the URL, which curl reads as several URLs at `{{base_url}}/x`
    hint: write one URL, with an id of your list where a placeholder stands; braces or brackets that are a part of it want -g

    > curl -X '' https://example.com
    no method at `-X ''`
    hint: write it as POST, without blanks

    > curl -X 'GET ' https://example.com
    no method at `-X 'GET '`
    hint: write it as POST, without blanks

    > curl https://example.com -H 'A: b
    the quote ' is never closed at `'A: b`
    hint: copy the whole command, to its last line; inside of single quotes an apostrophe is written '\''

    > curl https://example.com -d '{"a":"don't"}'
    the quote " is never closed at `'{"a":"don't"}'`
    hint: copy the whole command, to its last line; inside of single quotes an apostrophe is written '\''

    > curl https://example.com -d "a
    the quote " is never closed at `"a`
    hint: copy the whole command, to its last line; inside of single quotes an apostrophe is written '\''

    > curl https://example.com -d $'a
    the quote $' is never closed at `$'a`
    hint: copy the whole command; inside of $'…' an apostrophe is written \'

    > curl https://example.com -H "A: b”
    the quote " is never closed at `"A: b”`
    hint: “ ” ‘ ’ are no quotes of a shell: write " or '

    > curl https://example.com -H "A: $NOT_SET"
    the variable NOT_SET is not set at `$NOT_SET`
    hint: set it as NOT_SET=…, or put its value there; where $ is text, single quotes keep it

    > curl https://example.com/${NOT_SET}
    the variable NOT_SET is not set at `${NOT_SET}`
    hint: set it as NOT_SET=…, or put its value there; where $ is text, single quotes keep it

    > curl https://example.com/$1
    $1 is known to a script alone at `https://example.com/$1`
    hint: put its value into the command, or the word into single quotes

    > curl -H "A: [j$!]S" https://example.com
    $! is known to a script alone at `"A: [j$!`
    hint: put its value into the command, or the word into single quotes

    > curl https://example.com/${FILM_ID%t}
    an expansion that is not known here at `${FILM_ID%t}`
    hint: put its value into the command; where it is text, put the word into single quotes

    > curl https://example.com -H "A: $(cat token)"
    the output of another program at `"A: $(cat token)"`
    hint: run it yourself and put what it prints into the command, or into a variable

    > curl https://example.com -H "A: `cat token`"
    the output of another program at `"A: `cat token`"`
    hint: run it yourself and put what it prints into the command, or into a variable

    > curl -d @<(cat x) https://example.com
    the output of another program at `(cat x) https://example.com`
    hint: run it yourself and put what it prints into the command, or into a variable

    > curl https://example.com/?a=1&b=2
    `&` outside of quotes ends the command in a shell at `https://example.com/?a=1&b=2`
    hint: put the word into single quotes

    > curl https://example.com/a;b=2
    `;` outside of quotes ends the command in a shell at `https://example.com/a;b=2`
    hint: put the word into single quotes

    > curl https://example.com/a(b)
    `(` outside of quotes ends the command in a shell at `https://example.com/a(b)`
    hint: put the word into single quotes

    > curl -d {"a":1,"b":2} https://example.com
    braces outside of quotes are several words in a shell at `{"a":1,"b":2}`
    hint: put the word into single quotes

    > curl --colour https://example.com
    curl has no option --colour at `--colour`
    hint: `curl --help all` lists the options

    > curl --heade 'A: b' --dat x https://example.com
    several options begin with --dat at `--dat`
    hint: write one of --data, --data-ascii, --data-binary, --data-raw, --data-urlencode

    > curl --requets POST https://example.com
    curl has no option --requets at `--requets`
    hint: did you mean --request?

    > curl -y
    an option without its value at `-y`
    hint: copy the whole command, to its last line

    > curl -é https://example.com
    curl has no option -é at `-é`
    hint: `curl --help all` lists the options

    > curl - https://example.com
    a dash without a letter at `-`
    hint: `curl --help all` lists the options

    > curl https://example.com/{id}/x
    braces or brackets in the URL, which curl reads as several URLs at `https://example.com/{id}/x`
    hint: write one URL, with an id of your list where a placeholder stands; braces or brackets that are a part of it want -g

    > curl https://example.com/[1-9]
    braces or brackets in the URL, which curl reads as several URLs at `https://example.com/[1-9]`
    hint: write one URL, with an id of your list where a placeholder stands; braces or brackets that are a part of it want -g

    > curl 'https://example.com/a b'
    the character U+0020 in the URL at `https://example.com/a b`
    hint: encode it (a blank is %20), or put the whole URL between quotes

    > curl 'ftp://example.com/a'
    a URL of ftp, which is not asked over HTTP at `ftp://example.com/a`
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl ''
    no URL: there is no host in it, or none that can be
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl http://
    no URL: there is no host in it, or none that can be at `http://`
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl http://:80/
    no URL: there is no host in it, or none that can be at `http://:80/`
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl http://localhost:PORT/a
    no URL: there is no host in it, or none that can be at `http://localhost:PORT/a`
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl http://localhost:99999/a
    no URL: there is no host in it, or none that can be at `http://localhost:99999/a`
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl "“https://example.com”"
    a URL of “https, which is not asked over HTTP at `“https://example.com”`
    hint: write it as https://www.example.com/path?name=value, in quotes

    > curl -d @/no/such/file https://example.com
    the file /no/such/file cannot be read: entity not found at `-d @/no/such/file`
    hint: paths are relative to the current folder; where no file is meant, write --data-raw

    > curl -d @/dev/zero https://example.com
    the file /dev/zero cannot be read: it is no plain file at `-d @/dev/zero`
    hint: paths are relative to the current folder; where no file is meant, write --data-raw

    > curl -d @- https://example.com
    data from standard input, which is not a part of the command at `-d @-`
    hint: put what is to be sent into a file, and write @FILE, or into the command itself

    > curl -d @- https://example.com <<EOF
    x
    a here-document that does not end at `<<EOF`
    hint: copy the whole command, to the line EOF

    > curl -d $'\xff' https://example.com
    bytes that are not UTF-8 at `$'\xff'`
    hint: only text can be sent: write the characters themselves, or a JSON escape such as \u00e9

    > curl -d $'\0' https://example.com
    a NUL, which no argument can hold at `$'\0`
    hint: leave it out

    > curl -d $'\ud83d' https://example.com
    U+D83D is no character at `$'\ud83d`
    hint: write the character itself

    > curl -H $'A: b\nC: d' https://example.com
    a line break or another control character in a header at `A`
    hint: a header is one line: give each one its own -H, and close every quote

    > curl -u me https://example.com
    a user without a password, which curl would ask for at `-u me`
    hint: write -u 'me:PASSWORD', or -u 'me:' where there is none

    > curl -I -d x https://example.com
    -I together with data, which curl refuses at `-I`
    hint: leave out -I, or the data, or add -G for data in the URL

    > curl -G -d 'q=a b' https://example.com
    the character U+0020 in the query at `/?q=a b`
    hint: write --data-urlencode instead of -d: what -G puts into the URL has to be encoded

    > curl -m soon https://example.com
    no number of seconds at `-m soon`
    hint: write it as 30 or 1.5

    > curl --retry -1 https://example.com
    no whole number at `--retry -1`
    hint: write it as 5

    > curl --max-filesize 10T https://example.com
    no size at `--max-filesize 10T`
    hint: write it as 500000 or 10M

    > curl.exe "https://example.com" -H "A: %NOT_SET%"
    the variable NOT_SET is not set at `%NOT_SET%`
    hint: set it as NOT_SET=…, or put its value there; where $ is text, single quotes keep it

    > curl ^"https://example.com^" -H ^"A: b
    the quote " is never closed at `^"A: b`
    hint: copy the whole command, to its last line; inside of quotes a quote is written \"

    > curl.exe `
     -H "A: $(Get-Token)" https://example.com
    the output of another program at `"A: $`
    hint: run it yourself and put what it prints into the command, or into a variable

    > curl.exe `
     -H "A: b https://example.com
    the quote " is never closed at `"A: b https://example.com`
    hint: copy the whole command, to its last line; inside of quotes a quote is written twice
    "##);
}
