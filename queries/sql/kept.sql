{{template "moments_header" .}}{{template "moments" .}}
