"""What people see and do, in Debian's Chromium: pages of a bot on a simulated GitLab, and of the whole product."""
