//! Chromium, controlled by the WebDriver protocol.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, ErrorKind, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::support::{folder::Folder, server::read_kept_alive};

/// How long a busy machine may take for any step.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// The name of the member that identifies an element, in the standard of WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Kills the processes whose ids it has read, and deletes the folder, when its input ends. It ends
/// with the test process, however that ends.
const KEEPER: &str = r#"
    trap '' INT TERM
    while read -r id; do ids="$ids $id"; done
    kill -KILL $ids
    # The last processes of the browser may still write.
    for _ in 1 2 3 4 5; do rm -rf "$1"; sleep 0.4; done
    rm -rf "$1"
"#;

/// A browser without cookies, which one test uses at a time.
pub(super) struct Browser(Option<Driver>);

/// The driver of a browser, and the browser.
struct Driver {
    address: String,
    /// The path of the driver's session.
    path: String,
    profile: Folder,
    keeper: Child,
    process: Child,
}

/// Browsers that no test uses at the moment. It takes a second to start one.
static IDLE: Mutex<Vec<Driver>> = Mutex::new(Vec::new());

impl Browser {
    /// `None` if chromedriver is not installed. If servers are required, this is a failure.
    pub(super) fn start() -> Option<Self> {
        let idle = IDLE.lock().unwrap().pop();
        idle.or_else(Driver::start).map(|driver| Self(Some(driver)))
    }

    /// The tab that is there from the start.
    pub(super) fn first_tab(&self) -> Tab<'_> {
        self.tab(&self.driver().send("GET", "/window", &Value::Null))
    }

    pub(super) fn new_tab(&self) -> Tab<'_> {
        self.tab(&self.driver().post("/window/new", &json!({ "type": "tab" }))["handle"])
    }

    /// The folder with the files that pages have saved.
    pub(super) fn downloads(&self) -> PathBuf {
        self.driver().downloads()
    }

    fn tab(&self, handle: &Value) -> Tab<'_> {
        Tab { driver: self.driver(), handle: handle.as_str().unwrap().to_owned() }
    }

    fn driver(&self) -> &Driver {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let driver = self.0.take().expect("it is dropped once");
        // A failed test may have left it in any state.
        if !thread::panicking() {
            driver.reset();
            IDLE.lock().unwrap().push(driver);
        }
    }
}

impl Driver {
    fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        let command = command.arg("--port=0").stdin(Stdio::null()).stderr(Stdio::null());
        let mut process = match command.stdout(Stdio::piped()).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(env::var_os("TOWER_JWT_AUTH_SERVERS").is_none(), "chromedriver is missing");
                // The output of `eprintln!` is not shown for tests that pass.
                let _ = writeln!(io::stderr(), "chromedriver is missing: its tests are skipped");
                return None;
            }
            process => process.unwrap(),
        };
        let profile = Folder::new();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let keep = |id: &str| writeln!(keeper.stdin.as_ref().unwrap(), "{id}").unwrap();
        keep(&process.id().to_string());

        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let port = line.split_once("started successfully on port ")?.1;
            Some(port.trim_end_matches('.').to_owned())
        });
        // The driver waits if nobody reads what it prints.
        thread::spawn(move || lines.for_each(drop));

        let address = format!("127.0.0.1:{}", port.expect("the driver starts"));
        let capabilities = json!({ "goog:chromeOptions": options(&profile) });
        let capabilities = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = call(&address, "POST", "/session", &capabilities);
        keep(&session["capabilities"]["goog:processID"].to_string());
        let path = format!("/session/{}", session["sessionId"].as_str().unwrap());
        let driver = Self { address, path, profile, keeper, process };
        driver.post("/timeouts", &json!({ "script": TIMEOUT.as_millis() as u64 }));
        Some(driver)
    }

    fn downloads(&self) -> PathBuf {
        downloads(&self.profile)
    }

    /// Closes all tabs but one, and deletes cookies and downloads.
    fn reset(&self) {
        let tabs = self.send("GET", "/window/handles", &Value::Null);
        let (first, others) = tabs.as_array().unwrap().split_first().unwrap();
        for tab in others {
            self.post("/window", &json!({ "handle": tab }));
            self.send("DELETE", "/window", &Value::Null);
        }
        self.post("/window", &json!({ "handle": first }));
        self.post("/url", &json!({ "url": "data:," }));
        let clear = json!({ "cmd": "Network.clearBrowserCookies", "params": {} });
        self.post("/goog/cdp/execute", &clear);
        for (method, params) in [
            ("Emulation.clearDeviceMetricsOverride", json!({})),
            ("Emulation.setEmulatedMedia", json!({})),
            ("Emulation.setScrollbarsHidden", json!({ "hidden": false })),
        ] {
            self.post("/goog/cdp/execute", &json!({ "cmd": method, "params": params }));
        }
        let _ = fs::remove_dir_all(self.downloads());
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", path, body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        call(&self.address, method, &format!("{}{path}", self.path), body)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = self.process.wait();
    }
}

fn options(profile: &Folder) -> Value {
    json!({
        "args": [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Names without the privileges of localhost: browsers do not treat them as secure.
            "--host-resolver-rules=MAP *.test 127.0.0.1",
            format!("--user-data-dir={}", profile.path().display()),
        ],
        "prefs": {
            "download.default_directory": downloads(profile),
            // Attacks need cookies in the requests of other sites.
            "profile.cookie_controls_mode": 0,
            "profile.block_third_party_cookies": false,
        },
    })
}

fn downloads(profile: &Folder) -> PathBuf {
    profile.path().join("downloads")
}

/// A tab of a browser.
pub(super) struct Tab<'b> {
    driver: &'b Driver,
    handle: String,
}

impl Tab<'_> {
    /// Loads a page and waits until it is complete.
    pub(super) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub(super) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// Runs the body of an async function in the page and returns its result.
    pub(super) fn run(&self, script: &str) -> Value {
        let script = format!("return (async () => {{ {script} }})()");
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the expression `condition` is true in the page.
    pub(super) fn wait_for(&self, condition: &str) {
        let began = Instant::now();
        while self.run(&format!("return !!({condition})")) != true {
            assert!(began.elapsed() < TIMEOUT, "never true: {condition}\n{}", self.text("body"));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The visible text of the first element that the selector matches.
    pub(super) fn text(&self, selector: &str) -> String {
        self.element("GET", selector, "/text", &Value::Null).as_str().unwrap().to_owned()
    }

    pub(super) fn is_displayed(&self, selector: &str) -> bool {
        self.element("GET", selector, "/displayed", &Value::Null) == true
    }

    /// Types into an input.
    pub(super) fn type_into(&self, selector: &str, text: &str) {
        self.element("POST", selector, "/value", &json!({ "text": text }));
    }

    /// Types into an input whose content is deleted before.
    pub(super) fn replace(&self, selector: &str, text: &str) {
        self.element("POST", selector, "/clear", &json!({}));
        self.type_into(selector, text);
    }

    /// Presses keys, whatever has the focus.
    pub(super) fn press(&self, keys: &str) {
        self.select();
        let active = self.driver.send("GET", "/element/active", &Value::Null);
        let path = format!("/element/{}/value", active[ELEMENT].as_str().unwrap());
        self.driver.post(&path, &json!({ "text": keys }));
    }

    pub(super) fn click(&self, selector: &str) {
        self.element("POST", selector, "/click", &json!({}));
    }

    /// The cookies that the browser would send to the page, also those that scripts cannot read.
    pub(super) fn cookies(&self) -> Vec<Value> {
        self.select();
        self.driver.send("GET", "/cookie", &Value::Null).as_array().unwrap().clone()
    }

    /// Emulates a screen of this width, and a preference for dark or light pages.
    pub(super) fn emulate(&self, width: u32, color_scheme: &str) {
        let screen =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
        // Those of desktops take space, but not on pictures.
        self.devtools("Emulation.setScrollbarsHidden", &json!({ "hidden": true }));
        let feature = json!({ "name": "prefers-color-scheme", "value": color_scheme });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// The whole page as PNG.
    pub(super) fn screenshot(&self) -> Vec<u8> {
        let options = json!({ "format": "png", "captureBeyondViewport": true });
        let image = self.devtools("Page.captureScreenshot", &options);
        BASE64_STANDARD.decode(image["data"].as_str().unwrap()).unwrap()
    }

    /// Calls a method of the DevTools protocol.
    fn devtools(&self, method: &str, params: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": method, "params": params }))
    }

    fn element(&self, method: &str, selector: &str, path: &str, body: &Value) -> Value {
        let by = json!({ "using": "css selector", "value": selector });
        let element = self.post("/element", &by);
        let path = format!("/element/{}{path}", element[ELEMENT].as_str().unwrap());
        self.driver.send(method, &path, body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.select();
        self.driver.post(path, body)
    }

    /// Directs the following commands to this tab.
    fn select(&self) {
        self.driver.post("/window", &json!({ "handle": self.handle }));
    }
}

fn call(address: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(2 * TIMEOUT)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let reply = read_kept_alive(&mut stream);
    let value = reply.json()["value"].take();
    assert_eq!(reply.status, 200, "{method} {path} {body}: {value:#}");
    value
}
