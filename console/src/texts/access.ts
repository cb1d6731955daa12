// Signing in and the first start.

export const access = {
  signIn: "Sign in",
  signInTo: "Sign in to Keyway",
  username: "User name",
  password: "Password",
  again: "Your session has ended",
  againLead: "Sign in again: the page and what you typed in it stay as they are.",
  setUp: "Set up Keyway",
  setUpLead: "Make the first administrator. The setup token proves that you are the one who started this server.",
  token: "Setup token",
  tokenHint: "`keyway serve` printed it at its first start, in the terminal or in the log. It works once.",
  newUsername: "Your user name",
  newPassword: "A password",
  newPasswordHint: "12 characters or more. A sentence is fine.",
  repeat: "The password again",
  differs: "The two passwords are not the same.",
  tooShort: "A password has at least 12 characters.",
  create: "Create the administrator and sign in",
};
