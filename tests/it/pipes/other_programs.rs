//! What other programs write, as they write it: spreadsheets, databases, load balancers, loggers.

use crate::common::{run, tool};

/// Records that a tool makes of an input.
fn map(expression: &str, read: &[&str], input: &str) -> String {
    let ran = run(tool("map", &[expression]).args(read), input);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

/// What a tool says that ends with bad data.
fn refused(input: impl AsRef<[u8]>) -> String {
    let ran = run(&mut tool("map", &[".", "--from", "csv"]), input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""), "{ran:?}");
    ran.stderr
}

/// Excel where commas are decimal points: a line that names the delimiter, columns once in use.
#[test]
fn a_spreadsheet() {
    let sheet =
        "\u{feff}sep=;\r\nName;Price;;\r\n\"Bolt; M8\";1,50;;\r\n\"Nut\"\"s\"\"\";2,00;x;\r\n";
    for read in [&["--from", "csv"][..], &["--from", "auto"]] {
        assert_eq!(
            map(".", read, sheet),
            "{\"Name\":\"Bolt; M8\",\"Price\":\"1,50\",\"c3\":null,\"c4\":null}\n\
             {\"Name\":\"Nut\\\"s\\\"\",\"Price\":\"2,00\",\"c3\":\"x\",\"c4\":null}\n"
        );
    }
    // The character itself, the two that stand for it elsewhere, and its name.
    for tab in ["\t", "\\t", "tab"] {
        let read = ["--from", "csv", "--delimiter", tab];
        assert_eq!(map(".", &read, "a\tb\n1\t2\n"), "{\"a\":1,\"b\":2}\n");
    }
}

/// A header that cannot be used leaves nothing to go on with: --rejects would store all of it.
#[test]
fn a_bad_header() {
    let told = refused("a,a\n1,2\n");
    assert_eq!(told, "map: stdin:1: the header names columns 1 and 2 \"a\"\n");
    let told = refused(b"Preis,Gr\xf6\xdfe\n1,2\n");
    assert!(told.ends_with("convert it, as with iconv -f CP1252 -t UTF-8\n"), "{told}");
    let told = refused("a,b\n1\n");
    assert!(told.ends_with("; --rejects FILE stores such lines and continues\n"), "{told}");
}

/// PostgreSQL: \copy with CSV tells null from the empty text; without, \N is null.
#[test]
fn a_database() {
    assert_eq!(
        map(".", &["--from", "csv"], "id,note,at\n1,,2024-05-01 12:00:00+00\n2,\"\",\n"),
        "{\"id\":1,\"note\":null,\"at\":\"2024-05-01 12:00:00+00\"}\n\
         {\"id\":2,\"note\":\"\",\"at\":null}\n"
    );
    let read = ["--from", "tsv", "--columns", "id,note", "--null", "\\N", "--quote", "none"];
    assert_eq!(
        map(".", &read, "1\t\\N\n2\t\"a\n3\t\n4\ta\\tb\\\\c\\nd\n5\t\\\\N\n"),
        "{\"id\":1,\"note\":null}\n{\"id\":2,\"note\":\"\\\"a\"}\n{\"id\":3,\"note\":\"\"}\n\
         {\"id\":4,\"note\":\"a\\tb\\\\c\\nd\"}\n{\"id\":5,\"note\":\"\\\\N\"}\n"
    );
    // What puts cells in quotes writes backslashes as they are.
    let read = ["--from", "tsv", "--quote", "\""];
    assert_eq!(map(".", &read, "dir\nC:\\new\n"), "{\"dir\":\"C:\\\\new\"}\n");
}

/// Load balancers: of AWS, whose fields have spaces between them and quotes around texts; HAProxy,
/// by syslog.
#[test]
fn load_balancers() {
    let line = "https 2018-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 192.0.2.39:2817 \
                10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 \
                \"GET https://www.example.com:443/a?b=%22 HTTP/1.1\" \"curl/7.46.0\" \
                ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2\n";
    let columns = "type,time,elb,client,target,request_s,target_s,response_s,status,\
                   target_status,received,sent,request,user_agent,cipher,protocol";
    let read = ["--from", "csv", "--delimiter", " ", "--columns", columns];
    assert_eq!(
        map("{time, client, status, request, user_agent}", &read, line),
        "{\"time\":\"2018-07-02T22:23:00.186641Z\",\"client\":\"192.0.2.39:2817\",\"status\":200,\
         \"request\":\"GET https://www.example.com:443/a?b=%22 HTTP/1.1\",\
         \"user_agent\":\"curl/7.46.0\"}\n"
    );
    let line = "<134>Mar  5 10:00:00 haproxy[14389]: 10.0.1.2:33317 [05/Mar/2024:10:00:00.655] \
                http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 \
                \"GET /index.html HTTP/1.1\"\n";
    let read = ["--from", "syslog", "--year", "2024"];
    assert_eq!(
        map("{time, app_name, status: (.msg | split(\" \")[5] | tonumber)}", &read, line),
        "{\"time\":\"2024-03-05T10:00:00Z\",\"app_name\":\"haproxy\",\"status\":200}\n"
    );
}

/// The syslog of a machine, as different daemons store it and programs send it.
#[test]
fn loggers() {
    let log = "\
Mar 5 10:00:00 h app[1]: one space before the day
Mar  5 10:00:00.123 h app[1]: milliseconds
2024-03-05T10:00:00.123456+01:00 h app[1]: rsyslog
Mar  5 10:00:00 h daemon.info app[1]: busybox
<14>app: Python\0
Mar  5 10:00:01 fw kernel: [12345.678901] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 DST=10.0.0.2
";
    let read = ["--from", "syslog", "--year", "2024"];
    assert_eq!(
        map("[.time, .hostname, .app_name, .severity]", &read, log),
        "[\"2024-03-05T10:00:00Z\",\"h\",\"app\",null]\n\
         [\"2024-03-05T10:00:00.123Z\",\"h\",\"app\",null]\n\
         [\"2024-03-05T10:00:00.123456+01:00\",\"h\",\"app\",null]\n\
         [\"2024-03-05T10:00:00Z\",\"h\",\"app\",6]\n\
         [null,null,\"app\",6]\n\
         [\"2024-03-05T10:00:01Z\",\"fw\",\"kernel\",null]\n"
    );
}
