// Microsoft Graph permissions that people start with, in plain sentences. Any other name can be typed.

export interface Permission {
  name: string;
  sentence: string;
  /** Which form exists, and whether an administrator must consent to the delegated one. */
  delegated: "user" | "admin" | "no";
  application: boolean;
}

export const permissions: readonly Permission[] = [
  { name: "User.Read", sentence: "Sign in and read the own profile.", delegated: "user", application: false },
  { name: "User.ReadWrite", sentence: "Read and change the own profile.", delegated: "user", application: false },
  { name: "User.ReadBasic.All", sentence: "Read everybody's name, mail address and photo.", delegated: "user", application: true },
  { name: "User.Read.All", sentence: "Read everybody's full profile: list users, managers and reports.", delegated: "admin", application: true },
  { name: "User.ReadWrite.All", sentence: "Create, change and delete users.", delegated: "admin", application: true },
  { name: "User.RevokeSessions.All", sentence: "End everybody's sign-in sessions.", delegated: "admin", application: true },
  { name: "GroupMember.Read.All", sentence: "Read groups and who is in them.", delegated: "admin", application: true },
  { name: "GroupMember.ReadWrite.All", sentence: "Add people to groups and remove them.", delegated: "admin", application: true },
  { name: "Group.Read.All", sentence: "Read groups, their members and their content.", delegated: "admin", application: true },
  { name: "Group.ReadWrite.All", sentence: "Create, change and delete groups.", delegated: "admin", application: true },
  { name: "Directory.Read.All", sentence: "Read the whole directory: users, groups, apps, devices.", delegated: "admin", application: true },
  { name: "Directory.ReadWrite.All", sentence: "Change nearly everything in the directory.", delegated: "admin", application: true },
  { name: "Organization.Read.All", sentence: "Read the organization's name, domains and plans.", delegated: "admin", application: true },
  { name: "Domain.Read.All", sentence: "Read the domains of the tenant.", delegated: "admin", application: true },
  { name: "Application.Read.All", sentence: "Read app registrations and service principals.", delegated: "admin", application: true },
  { name: "Application.ReadWrite.All", sentence: "Create and change app registrations.", delegated: "admin", application: true },
  { name: "Application.ReadWrite.OwnedBy", sentence: "Create apps and change those that it owns.", delegated: "no", application: true },
  { name: "AppRoleAssignment.ReadWrite.All", sentence: "Grant application permissions to apps.", delegated: "admin", application: true },
  { name: "DelegatedPermissionGrant.ReadWrite.All", sentence: "Grant delegated permissions on behalf of people.", delegated: "admin", application: true },
  { name: "AuditLog.Read.All", sentence: "Read sign-in and audit logs.", delegated: "admin", application: true },
  { name: "Mail.Read", sentence: "Read mail (delegated: the own; application: everybody's).", delegated: "user", application: true },
  { name: "Mail.Send", sentence: "Send mail (delegated: as oneself; application: as anybody).", delegated: "user", application: true },
  { name: "Calendars.Read", sentence: "Read calendars.", delegated: "user", application: true },
  { name: "Calendars.ReadWrite", sentence: "Read and change calendars.", delegated: "user", application: true },
  { name: "Contacts.Read", sentence: "Read contacts.", delegated: "user", application: true },
  { name: "Files.Read.All", sentence: "Read files (delegated: those one can open; application: all).", delegated: "user", application: true },
  { name: "Sites.Read.All", sentence: "Read SharePoint sites and lists.", delegated: "user", application: true },
  { name: "openid", sentence: "Sign in: who the person is (ID token).", delegated: "user", application: false },
  { name: "profile", sentence: "The person's name and user name in the ID token.", delegated: "user", application: false },
  { name: "email", sentence: "The person's mail address in the ID token.", delegated: "user", application: false },
];
